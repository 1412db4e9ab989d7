/**
 * A connection of two nodes of one process: a link each way, which break together and at once. When its nodes hear of
 * that is their network's business.
 */

import type { Identity } from './hello.js';
import { MemoryLink, type Defer } from './memory-link.js';
import type { NodeMessage } from './transport.js';
import type { TransportLimits } from './transport-limits.js';

/** What a connection needs to know of a node. */
export interface MemoryNode {
  readonly identity: Identity;
  deliver(message: NodeMessage): void;
}

export class MemoryConnection<Node extends MemoryNode> {
  readonly #dialler: Node;
  readonly #acceptor: Node;
  readonly #toAcceptor: MemoryLink;
  readonly #toDialler: MemoryLink;

  constructor(dialler: Node, acceptor: Node, limits: TransportLimits, defer: Defer) {
    this.#dialler = dialler;
    this.#acceptor = acceptor;
    this.#toAcceptor = new MemoryLink(dialler.identity.self, limits, defer, (message) => acceptor.deliver(message));
    this.#toDialler = new MemoryLink(acceptor.identity.self, limits, defer, (message) => dialler.deliver(message));
  }

  /** The other one of the two nodes. */
  otherThan(node: Node): Node {
    return node === this.#dialler ? this.#acceptor : this.#dialler;
  }

  linkFrom(node: Node): MemoryLink {
    return node === this.#dialler ? this.#toAcceptor : this.#toDialler;
  }

  /** From here on nothing is delivered, not even what is on its way. */
  break(): void {
    this.#toAcceptor.break();
    this.#toDialler.break();
  }
}
