/**
 * One connection of an administrator, on the node's side: takes one request at a time, has it carried out, and answers.
 * Whoever sends anything else is told so and closed; whoever is silent for a minute, too. On the consensus thread.
 */

import { asError, ConclaveError } from '../../errors.js';
import type { Logger } from '../../runtime/logger.js';
import { FrameType, HELLO_FRAME_BYTES_MAX, type Frame } from '../frame.js';
import { isProtocolError } from '../protocol-error.js';
import type { ConnectionOwner, TcpConnection } from '../tcp-connection.js';
import { readRequest, writeAdminHello, writeError, writeResult, type AdminHello } from './admin-codec.js';
import type { AdminRequest } from './admin-request.js';

/** Carries a request out, and answers with plain data. Rejects with a ConclaveError, and never hangs. */
export type AdminHandler = (request: AdminRequest) => Promise<unknown>;

export interface AdminSessionOptions {
  /** What the node says of itself. */
  readonly hello: AdminHello;
  /** Where the administrator is, for the log. */
  readonly remote: string;
  readonly handler: AdminHandler;
  readonly logger: Logger;
  /** It is not busy any more, or has ended. */
  readonly onFree: () => void;
  readonly onClosed: (session: AdminSession) => void;
}

/** How long an administrator may take for the next request. */
const IDLE_MS = 60_000;

export class AdminSession implements ConnectionOwner {
  readonly #connection: TcpConnection;
  readonly #options: AdminSessionOptions;
  #isBusy = false;
  #idle: NodeJS.Timeout | undefined;

  /** Takes the connection over, and says hello. */
  constructor(connection: TcpConnection, options: AdminSessionOptions) {
    this.#connection = connection;
    this.#options = options;
    connection.handOver(this, HELLO_FRAME_BYTES_MAX);
    writeAdminHello(options.hello, connection.out);
    connection.flush();
    this.#wait();
  }

  /** Is a request being carried out that somebody waits for? */
  get isBusy(): boolean {
    return this.#isBusy && !this.#connection.isClosed;
  }

  onFrame(frame: Frame): void {
    if (frame.type !== FrameType.adminRequest) return this.#refuse('An administrator sends requests only.');
    if (this.#isBusy) return this.#refuse('A request came before the last one was answered.');
    clearTimeout(this.#idle);
    let request: AdminRequest;
    try {
      request = readRequest(frame);
    } catch (error) {
      // What cannot be understood is no reason to believe that what follows can be; a request that is wrong is one.
      if (isProtocolError(error)) return this.#refuse(error.message);
      return this.#fail(error);
    }
    void this.#carryOut(request);
  }

  onClosed(_reason: string): void {
    clearTimeout(this.#idle);
    this.#options.onClosed(this);
  }

  async #carryOut(request: AdminRequest): Promise<void> {
    const { handler, logger, remote } = this.#options;
    const { command, argument } = request;
    if (command !== 'status') logger.info({ remote, command, argument }, 'an administrator asks');
    this.#isBusy = true;
    try {
      const result = await handler(request);
      if (!this.#connection.isClosed) writeResult(result, this.#connection.out);
    } catch (error) {
      if (!this.#connection.isClosed) this.#fail(error);
    }
    this.#isBusy = false;
    if (!this.#connection.isClosed) {
      this.#connection.flush();
      this.#wait();
    }
    this.#options.onFree();
  }

  #fail(error: unknown): void {
    writeError(told(error), this.#connection.out);
    this.#connection.flush();
    this.#wait();
  }

  #refuse(message: string): void {
    this.#connection.refuse({ reason: 'noRequest', message });
  }

  #wait(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#connection.close(`no request within ${IDLE_MS} ms`), IDLE_MS);
  }
}

/** What is no ConclaveError is a defect of the node; whoever asked is told its text. */
function told(error: unknown): ConclaveError {
  if (error instanceof ConclaveError) return error;
  return new ConclaveError('ERR_ASSERTION', asError(error).message, { cause: error });
}
