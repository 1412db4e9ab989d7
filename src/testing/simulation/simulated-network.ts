/**
 * A network in virtual time, at its worst: it does to messages and connections whatever the port `Transport` lets it
 * do, and, where it is asked to, what no connection does. Nodes are judged by their hellos as over TCP, and nothing but
 * bytes passes between them.
 */

import { ConclaveError } from '../../errors.js';
import type { NodeId } from '../../ids.js';
import { MessageCodec } from '../../net/codec.js';
import { FrameReader } from '../../net/frame.js';
import type { NodeMessage, Transport } from '../../net/transport.js';
import type { MemoryTransportOptions } from '../../net/memory-transport.js';
import type { SimulationScheduler } from '../../runtime/simulation-scheduler.js';
import type { Coverage } from './coverage.js';
import type { Dice } from './dice.js';
import type { SimulatedConnection } from './simulated-connection.js';
import { FAIR_NETWORK, type NetworkWeather } from './network-weather.js';
import type { SimulatedProcess } from './simulated-process.js';
import { SimulatedTransport } from './simulated-transport.js';

/** What the network of a simulation tells. */
export interface NetworkWitness {
  /** A node hands a message to its transport. */
  sent(from: NodeId, to: NodeId, message: NodeMessage): void;
}

const FRAME_BYTES_MAX = 64 * 1024 * 1024;

export class SimulatedNetwork {
  readonly simulation: SimulationScheduler;
  readonly dice: Dice;
  readonly coverage: Coverage;
  readonly weather: NetworkWeather = { ...FAIR_NETWORK };
  readonly codec = new MessageCodec(FRAME_BYTES_MAX);
  readonly reader = new FrameReader(FRAME_BYTES_MAX);
  witness: NetworkWitness | null = null;
  /** How much longer than the weather says a message takes from one node to another; null: no longer. */
  wayMs: ((from: NodeId, to: NodeId) => number) | null = null;
  /** The nodes that are started and not stopped, by where they listen. */
  readonly #transports = new Map<NodeId, SimulatedTransport>();
  /** Those that have begun, with a hello that may be on its way, and have not ended. */
  readonly #connections = new Set<SimulatedConnection>();
  /** How many partitions keep messages on this way back. */
  readonly #blocks = new Map<string, number>();
  /** Ways on which no entry gets through. */
  readonly #starved = new Set<string>();
  /** Nodes whose connections nobody hears the end of but by silence. */
  readonly #silent = new Set<NodeId>();

  constructor(simulation: SimulationScheduler, dice: Dice, coverage: Coverage) {
    this.simulation = simulation;
    this.dice = dice;
    this.coverage = coverage;
  }

  /** A transport for a node that runs in this process. */
  transport(options: MemoryTransportOptions, process: SimulatedProcess): Transport {
    return new SimulatedTransport(this, options, process);
  }

  /** Nothing gets through from `from` to `to` any more. `isCut`: and connections end at once. */
  block(from: NodeId, to: NodeId, isCut: boolean): void {
    const way = wayOf(from, to);
    const count = (this.#blocks.get(way) ?? 0) + 1;
    this.#blocks.set(way, count);
    for (const connection of this.#between(from, to)) {
      if (isCut) connection.break('cut');
      else connection.endUnlessHeard(from);
    }
  }

  /** Takes back one {@link SimulatedNetwork.block}. What has waited arrives. */
  unblock(from: NodeId, to: NodeId): void {
    const way = wayOf(from, to);
    const count = (this.#blocks.get(way) ?? 0) - 1;
    if (count > 0) {
      this.#blocks.set(way, count);
      return;
    }
    this.#blocks.delete(way);
    for (const connection of this.#between(from, to)) connection.linkFrom(from).release();
  }

  isBlocked(from: NodeId, to: NodeId): boolean {
    return this.#blocks.size > 0 && this.#blocks.has(wayOf(from, to));
  }

  /** What carries entries is dropped on this way from now on, and nothing else is. Returns what ends that. */
  starve(from: NodeId, to: NodeId): () => void {
    const way = wayOf(from, to);
    this.#starved.add(way);
    return () => void this.#starved.delete(way);
  }

  isStarved(from: NodeId, to: NodeId): boolean {
    return this.#starved.size > 0 && this.#starved.has(wayOf(from, to));
  }

  /** Ends the connection of two nodes; a new one follows. */
  disconnect(a: NodeId, b: NodeId): void {
    for (const connection of this.#between(a, b)) connection.break('disconnected');
  }

  /** The machine of `node` is about to lose power: nobody is told. */
  silence(node: NodeId): void {
    this.#silent.add(node);
  }

  /** Called by a transport that starts. @throws ConclaveError `ERR_ADDRESS_UNAVAILABLE` */
  join(transport: SimulatedTransport): void {
    const { address } = transport;
    if (this.#transports.has(address)) {
      throw new ConclaveError('ERR_ADDRESS_UNAVAILABLE', `Cannot listen on ${address}: another node does.`, {
        data: { address },
      });
    }
    this.#silent.delete(address);
    this.#transports.set(address, transport);
  }

  /** Called by a transport that stops. */
  leave(transport: SimulatedTransport): void {
    if (this.#transports.get(transport.address) !== transport) return;
    this.#transports.delete(transport.address);
    const isSilent = this.#silent.delete(transport.address);
    for (const connection of [...this.#connections]) {
      if (connection.hasEnd(transport)) connection.abandon(transport, isSilent);
    }
  }

  /** Called by a connection when it begins, and when it ends. */
  begun(connection: SimulatedConnection): void {
    this.#connections.add(connection);
  }

  ended(connection: SimulatedConnection): void {
    this.#connections.delete(connection);
  }

  #between(a: NodeId, b: NodeId): SimulatedConnection[] {
    return [...this.#connections].filter(({ dialler, acceptor }) => {
      const names = [dialler.identity.self, acceptor.identity.self];
      return names.includes(a) && names.includes(b);
    });
  }

  /** Who listens there. */
  find(address: NodeId): SimulatedTransport | undefined {
    return this.#transports.get(address);
  }

  isHere(transport: SimulatedTransport): boolean {
    return this.#transports.get(transport.address) === transport;
  }
}

function wayOf(from: NodeId, to: NodeId): string {
  return `${from}>${to}`;
}
