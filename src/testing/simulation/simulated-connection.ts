/**
 * A connection of two nodes of a simulated network, from the hello on: a link each way. Its two ends hear of its
 * beginning and its end each in its own time.
 */

import type { NodeId } from '../../ids.js';
import { SimulatedLink } from './simulated-link.js';
import type { SimulatedNetwork } from './simulated-network.js';
import type { SimulatedTransport } from './simulated-transport.js';

/** How long it takes until an end hears of the end. */
const HEARD_MS = 10;

export class SimulatedConnection {
  readonly dialler: SimulatedTransport;
  readonly acceptor: SimulatedTransport;
  readonly #network: SimulatedNetwork;
  readonly #toAcceptor: SimulatedLink;
  readonly #toDialler: SimulatedLink;
  #isBroken = false;

  constructor(network: SimulatedNetwork, dialler: SimulatedTransport, acceptor: SimulatedTransport) {
    this.#network = network;
    this.dialler = dialler;
    this.acceptor = acceptor;
    this.#toAcceptor = new SimulatedLink(network, this, dialler, acceptor);
    this.#toDialler = new SimulatedLink(network, this, acceptor, dialler);
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** The dialler says hello; each side is there for the other once it has heard. */
  begin(): void {
    this.#network.begun(this);
    this.#toAcceptor.hello(() => {
      if (this.acceptor.accept(this)) this.#toDialler.hello(() => this.dialler.accepted(this));
      else this.break('refused');
    });
  }

  otherThan(end: SimulatedTransport): SimulatedTransport {
    return end === this.dialler ? this.acceptor : this.dialler;
  }

  linkFrom(node: NodeId): SimulatedLink {
    return node === this.dialler.identity.self ? this.#toAcceptor : this.#toDialler;
  }

  /** From here on nothing arrives, not even what is on its way. */
  break(reason: string): void {
    if (this.#isBroken) return;
    this.#end();
    this.#tell(this.dialler, reason, HEARD_MS);
    this.#tell(this.acceptor, reason, HEARD_MS);
  }

  /** One end is no more. `isSilent`: the other one hears of it by silence only. */
  abandon(end: SimulatedTransport, isSilent: boolean): void {
    if (this.#isBroken) return;
    this.#end();
    const { silenceMs } = this.#network.weather;
    this.#tell(this.otherThan(end), 'closed by the other side', isSilent ? silenceMs : HEARD_MS);
  }

  /** What comes from `node` is kept back: unless that ends soon, the connection does. */
  endUnlessHeard(node: NodeId): void {
    const { simulation, weather } = this.#network;
    const sinceMs = simulation.nowMs();
    const link = this.linkFrom(node);
    simulation.after(weather.silenceMs, () => {
      const isBlocked = this.#network.isBlocked(node, link.to.identity.self);
      if (isBlocked && link.releasedMs < sinceMs) this.break('nothing received');
    });
  }

  hasEnd(end: SimulatedTransport): boolean {
    return end === this.dialler || end === this.acceptor;
  }

  #end(): void {
    this.#isBroken = true;
    this.#network.ended(this);
  }

  #tell(end: SimulatedTransport, reason: string, withinMs: number): void {
    const { simulation, dice } = this.#network;
    simulation.after(dice.between(withinMs / 2, withinMs), () => {
      end.process.whenAwake(() => {
        end.lose(this, reason);
        end.redial(this.otherThan(end).address);
      });
    });
  }
}
