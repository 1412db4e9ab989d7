/** Carries what Snapshotters have to say to each other; loses, doubles, delays, reorders and damages it, by a seed. */

import type { TransferMessage } from '../../../../../src/actors/raft/messages.js';
import type { NodeId } from '../../../../../src/ids.js';
import { randomBelow, SeededRandom } from '../../../../../src/runtime/random.js';
import { SimulationScheduler } from '../../../../../src/runtime/simulation-scheduler.js';
import { SnapshotterRig, type RigOptions } from './snapshotter-rig.js';

export interface Faults {
  /** Of a hundred messages. */
  readonly lost: number;
  readonly doubled: number;
  readonly damaged: number;
  /** At most so late; those of different lateness overtake each other. */
  readonly delayMsMax: number;
  /** What a link carries: pieces wait behind each other. */
  readonly bytesPerSecond: number;
}

export const NO_FAULTS: Faults = { lost: 0, doubled: 0, damaged: 0, delayMsMax: 1, bytesPerSecond: Infinity };

export class LossyNetwork {
  readonly simulation: SimulationScheduler;
  faults: Faults = NO_FAULTS;
  /** All that was sent. */
  readonly sent: { readonly to: NodeId; readonly message: TransferMessage }[] = [];
  /** The longest that a piece has waited behind others on its link since somebody has set this to 0. */
  queueMsMax = 0;
  readonly #random: SeededRandom;
  /** By who is at the end of it: until when it is busy with what was sent. */
  readonly #busyUntilMs = new Map<NodeId, number>();
  readonly #rigs = new Map<NodeId, SnapshotterRig>();

  constructor(seed: number) {
    this.simulation = new SimulationScheduler(seed);
    this.#random = new SeededRandom(seed);
  }

  /** A node on this network, with its snapshots open. */
  async join(
    self: NodeId,
    options: Omit<RigOptions, 'self' | 'simulation' | 'onTransfer'> = {},
  ): Promise<SnapshotterRig> {
    const onTransfer = (to: NodeId, message: TransferMessage): void => this.#send(to, message);
    const rig = new SnapshotterRig({ ...options, self, simulation: this.simulation, onTransfer });
    this.#rigs.set(self, rig);
    await rig.open();
    return rig;
  }

  stop(): void {
    for (const rig of this.#rigs.values()) rig.stop();
  }

  /** What has been asked for. */
  get requests(): { readonly to: NodeId; readonly offset: number; readonly length: number }[] {
    return this.sent.flatMap(({ to, message }) =>
      message.type === 'snapshotRequest' ? [{ to, offset: message.offset, length: message.length }] : [],
    );
  }

  get requestedBytes(): number {
    return this.requests.reduce((sum, { length }) => sum + length, 0);
  }

  #send(to: NodeId, message: TransferMessage): void {
    this.sent.push({ to, message });
    const { lost, doubled, damaged, delayMsMax } = this.faults;
    if (this.#happens(lost)) return;
    const copies = this.#happens(doubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const arriving = message.type === 'snapshotPiece' && this.#happens(damaged) ? damage(message) : message;
      const delayMs = randomBelow(this.#random, delayMsMax + 1) + this.#carryMs(to, message);
      this.simulation.after(delayMs, () => this.#rigs.get(to)?.snapshotter.tell(arriving));
    }
  }

  /** How long it takes until the link has carried this, and what was sent before it. */
  #carryMs(to: NodeId, message: TransferMessage): number {
    if (message.type !== 'snapshotPiece') return 0;
    const nowMs = this.simulation.nowMs();
    const queueMs = Math.max(0, (this.#busyUntilMs.get(to) ?? 0) - nowMs);
    const ms = queueMs + (message.bytes.length * 1_000) / this.faults.bytesPerSecond;
    this.#busyUntilMs.set(to, nowMs + ms);
    this.queueMsMax = Math.max(this.queueMsMax, queueMs);
    return ms;
  }

  #happens(percent: number): boolean {
    return randomBelow(this.#random, 100) < percent;
  }
}

function damage<Message extends { readonly bytes: Uint8Array }>(message: Message): Message {
  const bytes = message.bytes.slice();
  if (bytes.length > 0) bytes[bytes.length >> 1]! ^= 0x10;
  return { ...message, bytes };
}
