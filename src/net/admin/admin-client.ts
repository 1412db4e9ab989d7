/**
 * An administrator's side of a connection to a node: connects within a time limit, says hello, and asks, one request at
 * a time. In whatever process wants to know; it holds nothing but its socket, and trusts nothing that the other side
 * sends.
 */

import { connect } from 'node:net';
import { assert } from '../../assert.js';
import { ConclaveError } from '../../errors.js';
import { parseAddress } from '../address.js';
import { FrameType, type Frame } from '../frame.js';
import { isRefusal, readRefusal, type ReceivedRefusal } from '../hello.js';
import { isProtocolError, protocolError } from '../protocol-error.js';
import { TcpConnection, type ConnectionOwner } from '../tcp-connection.js';
import { ANSWER_FRAME_BYTES_MAX, readAdminHello, readAnswer, writeAdminHello, writeRequest } from './admin-codec.js';
import type { AdminRequest } from './admin-request.js';

export interface AdminConnectOptions {
  /** The cluster that the node must belong to; null: any. */
  readonly cluster: string | null;
  /** From looking up the name to the node's hello, in milliseconds. */
  readonly timeoutMs: number;
}

/** What the other side is waited for, and what becomes of that. */
interface Waiting {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: ConclaveError) => void;
}

/** So much longer than the node the asker waits, which lets the node say itself that it took too long. */
const GRACE_MS = 1_000;

export class AdminClient implements ConnectionOwner {
  readonly #address: string;
  readonly #connection: TcpConnection;
  /** Has the other side shown itself to be a node? */
  #isMet = false;
  #hasConnected = false;
  /** Why the connection ended; null: it stands. */
  #ended: ConclaveError | null = null;
  #waiting: Waiting | null = null;

  private constructor(address: string) {
    this.#address = address;
    const { host, port } = parseAddress(address, 'address');
    const socket = connect({ host, port, autoSelectFamily: true });
    this.#connection = new TcpConnection(socket, this);
    socket.once('connect', () => {
      this.#hasConnected = true;
    });
  }

  /**
   * Connects to a node.
   *
   * @throws ConclaveError `ERR_UNREACHABLE` when nobody answers there, `ERR_PROTOCOL` when it is no node of Conclave's
   *   that does, `ERR_HELLO_REFUSED` when the node belongs to another cluster, speaks another version, or has too many
   *   administrators (`data.reason`), `ERR_INVALID_OPTION` for what is no address. Nothing was asked for.
   */
  static async connect(address: string, { cluster, timeoutMs }: AdminConnectOptions): Promise<AdminClient> {
    const client = new AdminClient(address);
    const answer = client.#next(timeoutMs, () => unreachable(address, `no answer within ${timeoutMs} ms`, false));
    writeAdminHello({ cluster, self: null }, client.#connection.out);
    client.#connection.flush();
    try {
      client.#onHello(await answer);
      return client;
    } catch (error) {
      client.close();
      throw isProtocolError(error) ? notConclave(address, error) : error;
    }
  }

  /**
   * Has the node do something, and resolves with what it answers: plain data.
   *
   * @throws ConclaveError what the node answers with; `ERR_UNREACHABLE` when the connection was lost meanwhile, and
   *   `ERR_TIMEOUT`: it may be done all the same.
   */
  async ask(request: AdminRequest): Promise<unknown> {
    const { timeoutMs } = request;
    const answer = this.#next(timeoutMs + GRACE_MS, () => {
      const message = `${this.#address} has not answered within ${timeoutMs} ms; it may still do what was asked.`;
      return new ConclaveError('ERR_TIMEOUT', message, { data: { address: this.#address, timeoutMs } });
    });
    writeRequest(request, this.#connection.out);
    this.#connection.flush();
    const read = this.#read(await answer);
    if ('error' in read) throw read.error;
    return read.result;
  }

  /** Ends the connection. What the node has been asked for it does all the same. */
  close(): void {
    this.#connection.close('closed by the administrator');
  }

  onFrame(frame: Frame): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (frame.type === FrameType.refused) this.#onRefused(frame, waiting);
    else if (waiting === null) this.#connection.close('sent what nobody has asked for');
    // The reader hands the same object out again.
    else waiting.resolve({ ...frame });
  }

  onClosed(reason: string): void {
    if (this.#ended === null) this.#ended = this.#lost(reason);
    this.#waiting?.reject(this.#ended);
    this.#waiting = null;
  }

  #read(frame: Frame): ReturnType<typeof readAnswer> {
    try {
      if (frame.type !== FrameType.adminAnswer) throw protocolError('It is no answer.', { type: frame.type });
      return readAnswer(frame);
    } catch (error) {
      this.close();
      if (!isProtocolError(error)) throw error;
      throw unreachable(this.#address, `what it answers cannot be understood: ${error.message}`, true);
    }
  }

  #onHello(frame: Frame): void {
    if (frame.type !== FrameType.adminHello) throw protocolError('The first frame is no hello.', { type: frame.type });
    const hello = readAdminHello(frame);
    if (isRefusal(hello)) throw refused(this.#address, hello);
    if (hello.self === null) throw protocolError('The hello is not that of a node.', {});
    // It may have said more at once, which nobody has asked for.
    if (this.#ended !== null) throw this.#ended;
    this.#isMet = true;
    this.#connection.handOver(this, ANSWER_FRAME_BYTES_MAX);
  }

  #onRefused(frame: Frame, waiting: Waiting | null): void {
    try {
      this.#ended = refused(this.#address, readRefusal(frame));
      waiting?.reject(this.#ended);
    } catch (error) {
      this.#waiting = waiting;
      this.#connection.fail(error);
      return;
    }
    this.#connection.close('refused');
  }

  /** The next frame. Whoever does not wait for it any more ends the connection. */
  #next(timeoutMs: number, tooLate: () => ConclaveError): Promise<Frame> {
    assert(this.#waiting === null, 'an administrator asks one thing at a time');
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#ended = tooLate();
        this.close();
      }, timeoutMs);
      const end = <Value>(settle: (value: Value) => void): ((value: Value) => void) => {
        return (value) => {
          clearTimeout(timer);
          settle(value);
        };
      };
      this.#waiting = { resolve: end(resolve), reject: end(reject) };
    });
  }

  #lost(reason: string): ConclaveError {
    if (this.#isMet) return unreachable(this.#address, `the connection was lost: ${reason}`, true);
    if (!this.#hasConnected) return unreachable(this.#address, REASONS[reason] ?? reason, false);
    return protocolError(reason, {});
  }
}

/** What the commonest failures are called by the system. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED)',
  ENOTFOUND: 'the name is not known (ENOTFOUND)',
  EHOSTUNREACH: 'there is no way to that machine (EHOSTUNREACH)',
  ETIMEDOUT: 'the machine does not answer (ETIMEDOUT)',
};

function unreachable(address: string, reason: string, mayBeApplied: boolean): ConclaveError {
  return new ConclaveError('ERR_UNREACHABLE', `${address} cannot be reached: ${reason}.`, {
    data: { address, reason },
    mayBeApplied,
    retrySafe: !mayBeApplied,
  });
}

function notConclave(address: string, cause: ConclaveError): ConclaveError {
  return new ConclaveError(
    'ERR_PROTOCOL',
    `What listens on ${address} is no node of Conclave, or one of another version.`,
    { data: { address, reason: cause.message }, cause },
  );
}

function refused(address: string, { reason, message }: ReceivedRefusal): ConclaveError {
  return new ConclaveError('ERR_HELLO_REFUSED', `${address} refuses: ${message}`, { data: { address, reason } });
}
