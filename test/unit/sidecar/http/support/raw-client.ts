/** A connection on which a test writes the very bytes of a request, and reads what comes back. */

import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

export interface RawAnswer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export class RawClient {
  readonly socket: Socket;
  #received = '';
  #wake: () => void = () => {};
  #isEnded = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    // What a test is about may end it in whichever way.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  write(bytes: string): void {
    this.socket.write(bytes, 'latin1');
  }

  /** Writes a request and reads its answer. */
  async ask(bytes: string): Promise<RawAnswer> {
    this.write(bytes);
    return this.answer();
  }

  async answer(): Promise<RawAnswer> {
    const head = await this.#take(() => endOf(this.#received, '\r\n\r\n'));
    const [first, ...lines] = head.trimEnd().split('\r\n');
    const headers = new Map(
      lines.map((line): [string, string] => {
        const [name, ...value] = line.split(':');
        return [name!.toLowerCase(), value.join(':').trim()];
      }),
    );
    const length = Number(headers.get('content-length') ?? 0);
    const body = await this.#take(() => (this.#received.length >= length ? length : -1));
    return { status: Number(first!.split(' ')[1]), headers, body: Buffer.from(body, 'latin1').toString() };
  }

  /** Resolves when the other side has ended the connection, by a reset perhaps: one that still writes may see that. */
  async ended(): Promise<void> {
    if (!this.#isEnded) await new Promise((resolve) => void this.socket.once('close', resolve));
  }

  close(): void {
    this.socket.destroy();
  }

  async #take(endAt: () => number): Promise<string> {
    while (endAt() < 0) {
      if (this.#isEnded) throw new Error(`the connection was ended after ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const end = endAt();
    const taken = this.#received.slice(0, end);
    this.#received = this.#received.slice(end);
    return taken;
  }
}

function endOf(text: string, mark: string): number {
  const at = text.indexOf(mark);
  return at < 0 ? -1 : at + mark.length;
}
