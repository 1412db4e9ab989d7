/**
 * A Snapshotter between neighbours that the test plays: what it tells them is recorded, and what they answer is the
 * test's to say. Time is virtual.
 */

import type { LogStoreMessage } from '../../../../../src/actors/log-store/log-store-messages.js';
import type { RaftActorMessage, SnapshotTaken } from '../../../../../src/actors/raft/raft-actor-messages.js';
import type { TransferMessage } from '../../../../../src/actors/raft/messages.js';
import type { SnapshotNews } from '../../../../../src/actors/replicated/caller-messages.js';
import type { HashedState, MachineMessage } from '../../../../../src/actors/replicated/machine-messages.js';
import type { SnapshotEvent } from '../../../../../src/actors/snapshotter/snapshot-event.js';
import { snapshotterActorOn, type SnapshotterData } from '../../../../../src/actors/snapshotter/snapshotter-actor.js';
import type {
  KeptSnapshot,
  OpenedSnapshots,
  SnapshotterMessage,
} from '../../../../../src/actors/snapshotter/snapshotter-messages.js';
import { groupId, logIndex, nodeId, type LastIncluded, type NodeId } from '../../../../../src/ids.js';
import type { ActorRef } from '../../../../../src/runtime/actor.js';
import { ActorSystem } from '../../../../../src/runtime/actor-system.js';
import { silentLogger } from '../../../../../src/runtime/logger.js';
import { SeededRandom } from '../../../../../src/runtime/random.js';
import { SimulationScheduler } from '../../../../../src/runtime/simulation-scheduler.js';
import { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';
import { ScriptedRunner } from './scripted-runner.js';

export const SNAPSHOTS = '/data/snapshots';
export const LOG = '/data/log';

export interface RigOptions {
  readonly self?: NodeId;
  readonly simulation?: SimulationScheduler;
  readonly disk?: SimulatedDisk;
  readonly data?: Partial<SnapshotterData>;
  /** What the node has to say to others. */
  readonly onTransfer?: (to: NodeId, message: TransferMessage) => void;
}

/** As an `ask` turned out; null while it has not. */
export interface Answer {
  readonly value?: unknown;
  readonly error?: Error & { readonly code?: string };
}

const TIMEOUT_MS = 3_600_000;

export class SnapshotterRig {
  readonly simulation: SimulationScheduler;
  readonly disk: SimulatedDisk;
  readonly runner: ScriptedRunner;
  readonly self: NodeId;
  readonly toRaft: RaftActorMessage[] = [];
  readonly toMachine: MachineMessage[] = [];
  readonly toLogStore: LogStoreMessage[] = [];
  readonly events: SnapshotEvent[] = [];
  /** Why the node has failed, if it has. */
  readonly failures: Error[] = [];
  /** What the machine answers when it is asked for hashes. */
  hashed: HashedState | null = null;
  readonly snapshotter: ActorRef<SnapshotterMessage>;
  readonly #system: ActorSystem;

  constructor({ self = nodeId('a:1'), simulation, disk, data = {}, onTransfer = () => {} }: RigOptions = {}) {
    this.self = self;
    this.simulation = simulation ?? new SimulationScheduler(1);
    this.disk = disk ?? new SimulatedDisk(1);
    this.runner = new ScriptedRunner(this.disk);
    if (data.place?.kind !== 'memory') this.disk.makeDirectory(LOG);
    this.#system = new ActorSystem({
      name: self,
      scheduler: this.simulation,
      clock: this.simulation,
      random: new SeededRandom(1),
      logger: silentLogger,
      onFailure: (error) => void this.failures.push(error),
    });
    this.#stub('raft', (message: RaftActorMessage) => {
      if (message.type === 'sendTransfer') onTransfer(message.to, message.message);
      else this.toRaft.push(message);
    });
    this.#stub('caller', ({ event }: SnapshotNews) => void this.events.push(event));
    this.#stub('log', (message: LogStoreMessage) => void this.toLogStore.push(message));
    this.#system.spawn<MachineMessage, void>({
      name: 'machine',
      data: undefined,
      factory: () => ({
        receive: (message, reply) => {
          this.toMachine.push(message);
          if (message.type === 'hashState') reply.ok(this.hashed);
        },
      }),
    });
    const address = (name: string): { system: string; name: string } => ({ system: self, name });
    this.snapshotter = this.#system.spawn({
      name: 'snapshotter',
      factory: snapshotterActorOn(this.disk, this.runner, () => this.#pause),
      data: {
        group: groupId(0),
        self,
        objects: [],
        classes: [],
        sessionsMax: 10,
        place: { kind: 'disk', snapshots: SNAPSHOTS, log: LOG },
        isSynced: true,
        snapshot: { entries: 100, bytes: 1_000_000, intervalMs: null, isVerified: false },
        position: 0,
        membersCount: 1,
        raft: address('raft'),
        machines: [address('machine')],
        caller: address('caller'),
        logStore: address('log'),
        ...data,
      },
    });
  }

  /** Opens the snapshots. */
  async open(): Promise<readonly KeptSnapshot[]> {
    const answer = this.ask({ type: 'openSnapshots' });
    await this.settle();
    return (answer.value as OpenedSnapshots).kept;
  }

  /** Lets everything happen that does not need more than a moment. */
  async settle(): Promise<void> {
    await this.simulation.runFor(5);
  }

  async runFor(durationMs: number): Promise<void> {
    await this.simulation.runFor(durationMs);
  }

  /** The objects have applied the log up to `index`; each entry has 10 bytes unless the test says otherwise. */
  async applied(index: number, bytes = 10 * index): Promise<void> {
    this.snapshotter.tell({ type: 'logApplied', index: logIndex(index), bytes });
    await this.settle();
  }

  /** The objects come so far, and the fold that this starts makes a snapshot. */
  async taken(index: number, stateBytes?: number): Promise<void> {
    await this.applied(index);
    this.runner.finish(stateBytes);
    await this.settle();
  }

  /** Somebody asks for a snapshot. The answer is filled in when it comes. */
  compact(index = 0): Answer {
    return this.ask({ type: 'compact', index: logIndex(index) });
  }

  ask(message: SnapshotterMessage): Answer {
    const answer: { value?: unknown; error?: Error } = {};
    void this.snapshotter.ask(message, { timeoutMs: TIMEOUT_MS }).then(
      (value) => (answer.value = value),
      (error: unknown) => (answer.error = error as Error),
    );
    return answer;
  }

  /** What consensus was told of snapshots. */
  get announced(): readonly SnapshotTaken[] {
    return this.toRaft.filter((message) => message.type === 'snapshotTaken');
  }

  eventsOf<Type extends SnapshotEvent['type']>(type: Type): Extract<SnapshotEvent, { type: Type }>[] {
    return this.events.filter((event) => event.type === type) as Extract<SnapshotEvent, { type: Type }>[];
  }

  /** The names of files that are snapshots, or once were to be. */
  get files(): string[] {
    return [...this.disk.files().keys()].filter((path) => path.startsWith(SNAPSHOTS));
  }

  get drafts(): string[] {
    return this.files.filter((path) => path.endsWith('.draft'));
  }

  stop(): void {
    this.#system.stop();
  }

  /** Between any two pieces of long work, whatever else is to happen at that time happens. */
  readonly #pause = (): Promise<void> => new Promise((resolve) => void this.simulation.after(0, resolve));

  #stub(name: string, receive: (message: never) => void): void {
    this.#system.spawn<never, void>({ name, data: undefined, factory: () => ({ receive }) });
  }
}

export function indexOf(answer: Answer): number | undefined {
  return (answer.value as LastIncluded | undefined)?.index;
}
