/**
 * One direction of a simulated connection: what is sent is encoded at once, and decoded where it arrives. Here is
 * decided what becomes of each message.
 */

import { FRAME_HEADER_BYTES, writeFrameHeader, type FrameSink, type FrameType } from '../../net/frame.js';
import type { NodeMessage } from '../../net/transport.js';
import type { SimulatedConnection } from './simulated-connection.js';
import type { SimulatedNetwork } from './simulated-network.js';
import type { SimulatedTransport } from './simulated-transport.js';

/** So often a message that others overtake is so late that elections have been held since it was sent. */
const STALE_RATE = 0.1;
const STALE_MS = [50, 400] as const;

export class SimulatedLink implements FrameSink {
  readonly to: SimulatedTransport;
  readonly #from: SimulatedTransport;
  readonly #network: SimulatedNetwork;
  readonly #connection: SimulatedConnection;
  #lastArrivalMs = 0;
  /** What has arrived while this way is blocked. */
  #held: (() => void)[] = [];
  /** When this way was last opened. */
  releasedMs = -1;
  #waitingBytes = 0;
  /** As it was last written by {@link SimulatedLink.writeFrame}. */
  #frame: Buffer | null = null;

  constructor(
    network: SimulatedNetwork,
    connection: SimulatedConnection,
    from: SimulatedTransport,
    to: SimulatedTransport,
  ) {
    this.#network = network;
    this.#connection = connection;
    this.#from = from;
    this.to = to;
  }

  /** The first thing on a link. */
  hello(arrived: () => void): void {
    this.#deliver(arrived, false);
  }

  send(message: NodeMessage): void {
    const { weather, dice, coverage, codec } = this.#network;
    if (this.#connection.isBroken) return;
    if (this.#waitingBytes > weather.linkBytesMax) {
      coverage.count('messages dropped for want of room');
      return;
    }
    if (this.#isStarving(message)) {
      coverage.count('messages with entries dropped');
      return;
    }
    if (weather.lossRate > 0 && dice.chance(weather.lossRate)) {
      coverage.count('messages lost');
      return;
    }
    if (weather.breakRate > 0 && dice.chance(weather.breakRate)) {
      coverage.count('connections broken by a loss');
      this.#connection.break('a message was lost');
      return;
    }
    codec.encode(message, this);
    const frame = this.#frame!;
    this.#waitingBytes += frame.length;
    this.#deliver(() => {
      this.#waitingBytes -= frame.length;
      this.#receive(frame);
    });
    if (weather.duplicateRate > 0 && dice.chance(weather.duplicateRate)) {
      coverage.count('messages duplicated');
      this.#deliver(() => this.#receive(frame));
    }
  }

  writeFrame(type: FrameType, code: number, group: number, meta: Uint8Array, payload: Uint8Array): void {
    const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + meta.length + payload.length);
    const metaStart = writeFrameHeader(frame, 0, type, code, group, meta.length, payload.length);
    frame.set(meta, metaStart);
    frame.set(payload, metaStart + meta.length);
    this.#frame = frame;
  }

  /** This way is open again. */
  release(): void {
    this.releasedMs = this.#network.simulation.nowMs();
    const held = this.#held;
    this.#held = [];
    for (const arrive of held) this.#arrive(arrive);
  }

  #isStarving(message: NodeMessage): boolean {
    if (message.type !== 'appendEntries' || message.entries.length === 0) return false;
    return this.#network.isStarved(this.#from.identity.self, this.to.identity.self);
  }

  #deliver(arrived: () => void, mayOvertake = true): void {
    const { simulation, weather, dice, coverage, wayMs } = this.#network;
    const nowMs = simulation.nowMs();
    let arrivesAtMs = nowMs + dice.between(...weather.delayMs);
    if (wayMs !== null) arrivesAtMs += wayMs(this.#from.identity.self, this.to.identity.self);
    if (weather.straggleRate > 0 && dice.chance(weather.straggleRate)) {
      coverage.count('messages late');
      arrivesAtMs += dice.between(...weather.straggleMs);
    }
    if (mayOvertake && weather.reorderRate > 0 && dice.chance(weather.reorderRate)) {
      coverage.count('messages reordered');
      if (dice.chance(STALE_RATE)) arrivesAtMs += dice.between(...STALE_MS);
    } else {
      arrivesAtMs = Math.max(arrivesAtMs, this.#lastArrivalMs);
      this.#lastArrivalMs = arrivesAtMs;
    }
    simulation.at(arrivesAtMs, () => this.#arrive(arrived));
  }

  #arrive(arrived: () => void): void {
    if (this.#connection.isBroken) return;
    const isBlocked = this.#network.isBlocked(this.#from.identity.self, this.to.identity.self);
    if (isBlocked || this.#held.length > 0) {
      this.#network.coverage.count('messages held back');
      this.#held.push(arrived);
      return;
    }
    this.to.process.whenAwake(() => {
      if (!this.#connection.isBroken) arrived();
    });
  }

  #receive(bytes: Buffer): void {
    const { codec, reader } = this.#network;
    reader.push(bytes);
    this.to.deliver(this.#connection, codec.decode(reader.next()!, this.#from.identity.self));
    reader.next();
  }
}
