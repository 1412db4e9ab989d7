/**
 * Stands between the nodes: whoever connects to the relay's address reaches the target, until the relay is told to cut.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { parseAddress } from '../../../../src/net/address.js';
import type { NodeId } from '../../../../src/ids.js';

export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isOpen = true;

  constructor(target: NodeId) {
    this.#server = createServer((socket) => {
      if (!this.#isOpen) {
        socket.destroy();
        return;
      }
      const onward = connect(parseAddress(target, 'target'));
      for (const side of [socket, onward]) {
        const other = side === socket ? onward : socket;
        side.setNoDelay(true);
        this.#sockets.add(side);
        side.on('error', () => {});
        side.on('close', () => {
          this.#sockets.delete(side);
          other.destroy();
        });
      }
      socket.pipe(onward);
      onward.pipe(socket);
    });
  }

  listen(address: NodeId): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...parseAddress(address, 'address'), exclusive: true }, resolve);
    });
  }

  /** Breaks every connection through the relay. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets nothing through until `open`. */
  shut(): void {
    this.#isOpen = false;
    this.cut();
  }

  open(): void {
    this.#isOpen = true;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.cut();
    });
  }
}
