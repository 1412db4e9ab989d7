/**
 * One who holds a lock by way of a sidecar, over a connection of its own: sends the same request again and again, and
 * reads no more of the answers than whether it holds. A client of HTTP would take more of the machine than the server
 * that is measured.
 */

import { connect, type Socket } from 'node:net';

const HEAD_END = '\r\n\r\n';
const STATUS = /^HTTP\/1\.1 (\d{3})/;
const LENGTH = /\r\ncontent-length: (\d+)/i;

export class HeartbeatConnection {
  readonly #name: string;
  readonly #request: string;
  readonly #socket: Socket;
  #answer = '';
  /** Who beats; null: nobody waits for an answer. */
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  /** Why it is of no use any more. */
  #ended: Error | null = null;

  constructor(port: number, name: string) {
    this.#name = name;
    this.#request = `PUT /locks/${name} HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 0\r\n\r\n`;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    // A character for each byte.
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#onText(text));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('The sidecar has closed a connection.')));
  }

  /** Rejects unless the answer is that it holds. One at a time. */
  beat(): Promise<void> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    if (this.#waiting !== null) return Promise.reject(new Error('One heartbeat at a time.'));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(this.#request, 'latin1');
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #onText(text: string): void {
    this.#answer += text;
    const headEnd = this.#answer.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#answer.slice(0, headEnd);
    const length = LENGTH.exec(head)?.[1];
    if (length === undefined) return this.#end(new Error(`The sidecar has answered without a length: ${head}`));
    const end = headEnd + HEAD_END.length + Number(length);
    if (this.#answer.length < end) return;
    const waiting = this.#waiting;
    if (waiting === null || this.#answer.length > end) return this.#end(new Error('The sidecar has said too much.'));
    this.#answer = '';
    this.#waiting = null;
    const status = STATUS.exec(head)?.[1];
    if (status === '200') waiting.resolve();
    else waiting.reject(new Error(`A heartbeat for ${this.#name} was answered with ${status ?? head}.`));
  }

  #end(error: Error): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#socket.destroy();
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}
