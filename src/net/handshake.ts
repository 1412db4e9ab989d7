/**
 * The exchange of hellos on a fresh connection: the side that dialled speaks first, the other side judges and answers,
 * the first side judges the answer. Owns the connection until it is accepted or has ended, within a time limit.
 */

import type { Socket } from 'node:net';
import type { NodeId } from '../ids.js';
import { readAdminHello, type AdminHello } from './admin/admin-codec.js';
import { FrameType, type Frame } from './frame.js';
import {
  describeRefusal,
  isRefusal,
  judgeHello,
  readHello,
  readRefusal,
  writeHello,
  type Hello,
  type Identity,
  type Refusal,
} from './hello.js';
import { protocolError } from './protocol-error.js';
import { PROTOCOL_ERROR, TcpConnection, type ConnectionOwner } from './tcp-connection.js';

type AdmitAdministrator = (connection: TcpConnection, hello: AdminHello) => Refusal | null;

export interface HandshakeOptions {
  readonly identity: Identity;
  /** Whom this side dialled; null when the other side did. */
  readonly dialled: NodeId | null;
  /** For all of it, from looking up the name to the last hello. */
  readonly timeoutMs: number;
  /** Has the last word on a hello that is in order. Null: accept. */
  readonly admit: (hello: Hello) => Refusal | null;
  /** Takes over the connection of an administrator, or says why not. Null: none is expected. */
  readonly onAdministrator: AdmitAdministrator | null;
  /** The new owner must take the connection over before it returns. */
  readonly onAccepted: (connection: TcpConnection, hello: Hello) => void;
  readonly onFailed: (reason: string) => void;
}

/** What the handshakes of one transport have in common. */
export type SharedHandshakeOptions = Pick<HandshakeOptions, 'identity' | 'timeoutMs' | 'admit' | 'onAccepted'>;

export class Handshake implements ConnectionOwner {
  readonly #connection: TcpConnection;
  readonly #options: HandshakeOptions;
  #timer: NodeJS.Timeout | undefined;

  /** @param socket may still be connecting. */
  constructor(socket: Socket, options: HandshakeOptions) {
    this.#options = options;
    this.#connection = new TcpConnection(socket, this);
  }

  /** Begins to count the time, and to speak if it was this side that dialled. */
  begin(): void {
    const { timeoutMs, dialled } = this.#options;
    this.#timer = setTimeout(() => this.close(`no hello within ${timeoutMs} ms`), timeoutMs);
    if (dialled !== null) this.#sayHello(dialled);
  }

  close(reason: string): void {
    this.#connection.close(reason);
  }

  onFrame(frame: Frame): void {
    const { dialled, onAdministrator, onAccepted } = this.#options;
    if (frame.type === FrameType.adminHello && onAdministrator !== null) {
      this.#onAdminHello(frame, onAdministrator);
      return;
    }
    let hello: Hello | null;
    try {
      hello = this.#readHello(frame);
    } catch (error) {
      this.#connection.fail(error);
      return;
    }
    if (hello === null) return;
    clearTimeout(this.#timer);
    if (dialled === null) this.#sayHello(hello.from);
    onAccepted(this.#connection, hello);
  }

  onClosed(reason: string): void {
    clearTimeout(this.#timer);
    const { dialled, onFailed } = this.#options;
    onFailed(
      reason.startsWith(PROTOCOL_ERROR) ? `${strangerOf(dialled)}, or one of another version: ${reason}` : reason,
    );
  }

  #onAdminHello(frame: Frame, onAdministrator: AdmitAdministrator): void {
    let hello: AdminHello | Refusal;
    try {
      hello = readAdminHello(frame);
    } catch (error) {
      this.#connection.fail(error);
      return;
    }
    const refusal = isRefusal(hello) ? hello : onAdministrator(this.#connection, hello);
    if (refusal === null) clearTimeout(this.#timer);
    else this.#connection.refuse(refusal);
  }

  /** The hello, if it is one to accept; otherwise the connection has been closed. */
  #readHello(frame: Frame): Hello | null {
    const { identity, dialled, admit } = this.#options;
    if (frame.type === FrameType.refused) {
      this.close(describeRefusal(readRefusal(frame)));
      return null;
    }
    if (frame.type !== FrameType.hello) throw protocolError('The first frame is no hello.', { type: frame.type });
    const hello = readHello(frame);
    if (isRefusal(hello)) {
      this.#connection.refuse(hello);
      return null;
    }
    const refusal = judgeHello(hello, identity, dialled) ?? admit(hello);
    if (refusal === null) return hello;
    this.#connection.refuse(refusal);
    return null;
  }

  #sayHello(to: NodeId): void {
    const { cluster, self, incarnation, settings, code } = this.#options.identity;
    writeHello({ cluster, from: self, incarnation, to, settings, code }, this.#connection.out);
    this.#connection.flush();
  }
}

function strangerOf(dialled: NodeId | null): string {
  return dialled === null ? 'who has connected is no node of Conclave' : 'what listens there is no node of Conclave';
}
