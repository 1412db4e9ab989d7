/**
 * The actor around a Machine, on a thread of objects (or inline); a node has one for each such thread: applies what
 * consensus has committed, answers the caller, and runs queries once the state is new enough for them. It gathers what
 * one batch of messages has given and sends one message to each neighbour.
 */

import type { Actor, ActorAddress, ActorContext, ActorFactory, ActorRef, Reply } from '../../runtime/actor.js';
import { assert } from '../../assert.js';
import { asError, ConclaveError } from '../../errors.js';
import { logIndex, type Life, type LogIndex, type SessionId } from '../../ids.js';
import { NodeDisk } from '../../storage/node-disk.js';
import { JOIN_ANEW } from '../../storage/join-anew.js';
import type { SnapshotInfo } from '../../storage/snapshot-info.js';
import { tellOrDrop } from '../../runtime/tell-or-drop.js';
import { tellSelf } from '../../runtime/tell-self.js';
import type { MachineApplied, MachineReady, RaftActorMessage } from '../raft/raft-actor-messages.js';
import type { SnapshotterMessage } from '../snapshotter/snapshotter-messages.js';
import type { CallerMessage } from './caller-messages.js';
import { ChangeFeeds } from './changes/change-feeds.js';
import { hashObjects } from './hash-objects.js';
import type { Machine } from './machine.js';
import { MachineLoader, type LoadedMachine, type MachineEnv } from './machine-loader.js';
import type { MachineFigures, MachineMessage, RunQueries } from './machine-messages.js';
import type { ResolvedObject } from './object-definition.js';
import type { MachinePart } from './object-places.js';
import { collectTransfers, type ResultBlock } from './results.js';

/** What a MachineActor is made from; crosses threads by structured clone. */
export interface MachineActorData {
  /** Those of the whole node. */
  readonly objects: readonly ResolvedObject[];
  readonly classes: readonly ResolvedObject[];
  /** Which of them are here. */
  readonly part: MachinePart;
  readonly life: Life;
  readonly sessionsMax: number;
  readonly raft: ActorAddress;
  readonly caller: ActorAddress;
  readonly snapshotter: ActorAddress;
}

/**
 * What the actor tells itself: what has become of its loading, that hashing is over, that watchers may be forgotten,
 * that consensus may have room by now.
 */
type Loaded =
  | MachineLoaded
  | { readonly type: 'machineNotLoaded'; readonly error: Error }
  | { readonly type: 'stateHashed'; readonly machine: Machine }
  | { readonly type: 'forgetIdleWatchers' }
  | { readonly type: 'tellAgain' };

interface MachineLoaded {
  readonly type: 'machineLoaded';
  readonly loaded: LoadedMachine;
  readonly isInstalled: boolean;
  /** Which machine there was when it was asked for. */
  readonly machineId: number;
}

/** After so long, consensus is told again what its mailbox had no room for. */
const TELL_AGAIN_MS = 10;

const NOTHING_RUN: MachineFigures = { commandsApplied: 0, commandsThrew: 0 };

class MachineActor implements Actor<MachineMessage | Loaded> {
  readonly #context: ActorContext<MachineMessage | Loaded>;
  /** Its number on its node. */
  readonly #number: number;
  readonly #raft: ActorRef<RaftActorMessage>;
  readonly #caller: ActorRef<CallerMessage>;
  readonly #loader: MachineLoader;
  readonly #feeds: ChangeFeeds;
  readonly #onLiveObjects: NonNullable<MachineEnv['onLoaded']>;
  /** Null until the objects have been loaded. */
  #machine: Machine | null = null;
  /** What is fed to the machine names it; it is new whenever the machine is. */
  #machineId = 0;
  /** The last entry in the snapshot that it has begun with; 0: there was none. */
  #restoredIndex = logIndex(0);
  #starting: Reply | null = null;
  #loadError: Error | null = null;
  /** The snapshot that is being loaded to take the machine's place. */
  #installing: SnapshotInfo | null = null;
  /** The snapshot that is to be loaded next. */
  #toInstall: SnapshotInfo | null = null;
  /** While the state is being hashed, it must stay as it is: what would change it waits here. */
  #held: MachineMessage[] | null = null;
  /** Queries that wait for an index that has not been applied yet, in the order of their arrival. */
  #waiting: RunQueries[] = [];
  #commandResults: ResultBlock[] = [];
  #queryResults: ResultBlock[] = [];
  /** What machines have done whose place others have taken. */
  #replaced = NOTHING_RUN;
  /** That there is a machine, where consensus has not heard of it yet. */
  #untoldReady: MachineReady | null = null;
  #isTellingAgain = false;
  #reportedIndex = -1;
  #reportedCodeVersion = 0;
  #reportedSession: SessionId | null = null;

  constructor(context: ActorContext<MachineMessage | Loaded>, data: MachineActorData, env: MachineEnv) {
    this.#context = context;
    this.#number = data.part.machine;
    this.#raft = context.ref(data.raft);
    this.#caller = context.ref(data.caller);
    this.#onLiveObjects = env.onLoaded ?? (() => {});
    this.#loader = new MachineLoader(data, context.ref<SnapshotterMessage>(data.snapshotter), env, context.logger);
    this.#feeds = new ChangeFeeds({
      clock: context.clock,
      caller: this.#caller,
      machine: this.#number,
      forgetLater: (delayMs) => void context.after(delayMs, { type: 'forgetIdleWatchers' }),
    });
    this.#load();
  }

  receive(message: MachineMessage | Loaded, reply: Reply): void {
    switch (message.type) {
      case 'applyEntries':
        // The objects before these may still be sent some, before consensus hears that these have taken their place.
        if (message.machineId !== this.#machineId) return;
        if (this.#held !== null) this.#held.push(message);
        else this.#apply(message.entries);
        return;
      case 'runQueries':
        if (this.#machine !== null && message.index <= this.#machine.appliedIndex) this.#query(message);
        else this.#waiting.push(message);
        return;
      case 'start':
        this.#starting = reply;
        if (this.#machine !== null) reply.ok();
        else if (this.#loadError !== null) this.#failStart(reply, this.#loadError);
        return;
      case 'reload':
        if (message.machineId === this.#machineId) this.#load();
        return;
      case 'installSnapshot':
        return this.#install(message.snapshot);
      case 'hashState':
        return this.#hash(reply);
      case 'measure':
        return reply.ok(this.#figures());
      case 'stateHashed':
        return this.#release(message.machine);
      case 'watchChanges':
        return this.#feeds.watch(message);
      case 'unwatchChanges':
        return this.#feeds.unwatch(message);
      case 'changesTaken':
        return this.#feeds.taken(message.bytes);
      case 'forgetIdleWatchers':
        return this.#feeds.forgetIdle();
      case 'tellAgain':
        // By `drained`, which follows.
        this.#isTellingAgain = false;
        return;
      case 'machineLoaded':
        this.#onLoaded(message);
        if (message.isInstalled) this.#installNext();
        return;
      case 'machineNotLoaded':
        this.#loadError = message.error;
        // Whoever starts this actor is to hear of it first, rather than of a thread that ended.
        if (this.#machine !== null) throw message.error;
        if (this.#starting !== null) this.#failStart(this.#starting, message.error);
    }
  }

  #figures(): MachineFigures {
    const { commandsApplied, commandsThrew } = this.#machine ?? NOTHING_RUN;
    return {
      commandsApplied: this.#replaced.commandsApplied + commandsApplied,
      commandsThrew: this.#replaced.commandsThrew + commandsThrew,
    };
  }

  #failStart(reply: Reply, error: Error): never {
    reply.fail(error);
    throw error;
  }

  drained(): void {
    if (this.#machine === null) return;
    if (this.#waiting.length > 0) this.#runWaiting();
    const appliedIndex = logIndex(this.#machine.appliedIndex);
    this.#reportCodeVersion(this.#machine);
    // Results first: the caller forgets what it waits for when it hears that its session has expired.
    this.#commandResults = this.#answer('commandResults', this.#commandResults, appliedIndex);
    this.#queryResults = this.#answer('queryResults', this.#queryResults, appliedIndex);
    this.#feeds.drained(this.#machine);
    if (this.#tellReady() && appliedIndex !== this.#reportedIndex) this.#report(this.#machine);
  }

  #load(): void {
    this.#tellWhenLoaded(this.#loader.loadNewest(), false);
  }

  /** The old machine goes on until the new one is whole. One that cannot be loaded will be offered again. */
  #install(snapshot: SnapshotInfo): void {
    // Whoever has sent it will not send it again: it is next.
    if (this.#installing !== null) {
      this.#toInstall = snapshot;
      return;
    }
    this.#installing = snapshot;
    this.#tellWhenLoaded(this.#loader.load(snapshot), true);
  }

  #tellWhenLoaded(loading: Promise<LoadedMachine>, isInstalled: boolean): void {
    const machineId = this.#machineId;
    loading.then(
      (loaded) => tellSelf(this.#context, { type: 'machineLoaded', loaded, isInstalled, machineId }),
      (error: unknown) => tellSelf(this.#context, { type: 'machineNotLoaded', error: asError(error) }),
    );
  }

  #installNext(): void {
    const snapshot = this.#toInstall;
    this.#installing = null;
    this.#toInstall = null;
    if (snapshot !== null) this.#install(snapshot);
  }

  #onLoaded({ loaded: { machine, snapshot }, isInstalled, machineId: before }: MachineLoaded): void {
    if (this.#machine !== null && machine.appliedIndex <= this.#machine.appliedIndex) {
      // What is held has caught up with what was to be installed, or something newer has been installed in the
      // meantime.
      if (isInstalled || before !== this.#machineId) return;
      if (this.#loader.unreadable !== null) throw this.#loader.unreadable;
      throw new ConclaveError(
        'ERR_STORAGE_CORRUPT',
        `The newest snapshot that can be read ends with entry ${machine.appliedIndex}, and the log does not reach back to ` +
          `it. Start the node again, which reads more of the log. If that does not help, ${JOIN_ANEW}`,
        { data: { snapshotIndex: machine.appliedIndex } },
      );
    }
    // What the objects before have done is said before others take their place: nothing of that is lost.
    this.drained();
    if (this.#machine !== null) this.#feeds.replaced();
    this.#replaced = this.#figures();
    // Unless consensus had no room to hear of it.
    if (this.#machine?.own.gap === true) machine.own.gap = true;
    this.#machine = machine;
    this.#restoredIndex = snapshot?.lastIncluded.index ?? logIndex(0);
    this.#onLiveObjects(machine.allObjects);
    this.#machineId = this.#context.random.uint32();
    this.#held = null;
    const { session, nextSeq } = machine.own;
    const number = this.#number;
    const machineId = this.#machineId;
    this.#untoldReady = { type: 'machineReady', machine: number, machineId, snapshot, session, nextSeq };
    this.#tellReady();
    const index = logIndex(machine.appliedIndex);
    if (snapshot !== null) this.#caller.tell({ type: 'sessionRestored', machine: number, index, session, nextSeq });
    this.#reportedSession = session;
    this.#starting?.ok();
  }

  #apply(entries: ArrayBuffer): void {
    assert(this.#machine !== null, 'entries arrive after machineReady only');
    this.#machine.apply(new Uint8Array(entries), this.#commandResults);
  }

  #hash(reply: Reply): void {
    const machine = this.#machine;
    if (machine === null || this.#held !== null) {
      reply.ok(null);
      return;
    }
    this.#held = [];
    const index = logIndex(machine.appliedIndex);
    const restoredIndex = this.#restoredIndex;
    hashObjects(machine)
      .then(
        (hashes) => reply.ok({ index, restoredIndex, hashes }),
        (error: unknown) => reply.fail(asError(error)),
      )
      .finally(() => tellSelf(this.#context, { type: 'stateHashed', machine }));
  }

  #release(machine: Machine): void {
    // Nothing waits for the hashes of objects whose place others have taken.
    if (machine !== this.#machine) return;
    const held = this.#held ?? [];
    this.#held = null;
    for (const message of held) if (message.type === 'applyEntries') this.#apply(message.entries);
  }

  #runWaiting(): void {
    const stillWaiting: RunQueries[] = [];
    for (const message of this.#waiting) {
      if (message.index <= this.#machine!.appliedIndex) this.#query(message);
      else stillWaiting.push(message);
    }
    this.#waiting = stillWaiting;
  }

  #query(message: RunQueries): void {
    this.#queryResults.push(this.#machine!.query(message.block));
  }

  /** Before any result that rests on it. */
  #reportCodeVersion({ codeVersion }: Machine): void {
    if (codeVersion === this.#reportedCodeVersion) return;
    this.#reportedCodeVersion = codeVersion;
    this.#caller.tell({ type: 'codeVersionRaised', machine: this.#number, codeVersion });
  }

  /** Does consensus know of the machine? It is fed only then. */
  #tellReady(): boolean {
    if (this.#untoldReady !== null && this.#tellRaft(this.#untoldReady)) this.#untoldReady = null;
    return this.#untoldReady === null;
  }

  /** What consensus has no room for now, `drained` tells it in a while. */
  #tellRaft(message: MachineReady | MachineApplied): boolean {
    if (tellOrDrop(this.#raft, message)) return true;
    if (!this.#isTellingAgain) this.#context.after(TELL_AGAIN_MS, { type: 'tellAgain' });
    this.#isTellingAgain = true;
    return false;
  }

  #report(machine: Machine): void {
    const { appliedIndex, own, codeVersion } = machine;
    assert(appliedIndex >= this.#reportedIndex, 'lastApplied never goes down');
    const { session, nextSeq, gap, expired } = own;
    const index = logIndex(appliedIndex);
    const stand = { index, session, nextSeq, gap, expired, codeVersion };
    const number = this.#number;
    const applied = { type: 'machineApplied', machine: number, machineId: this.#machineId, ...stand } as const;
    if (!this.#tellRaft(applied)) return;
    this.#reportedIndex = appliedIndex;
    if (expired !== null) this.#caller.tell({ type: 'sessionExpired', machine: number, session: expired });
    if (session !== null && session !== this.#reportedSession) {
      this.#caller.tell({ type: 'sessionOpened', machine: number, session });
    }
    this.#reportedSession = session;
    own.gap = false;
    own.expired = null;
  }

  /** Sends what has been gathered, and returns an empty list for the next batch. */
  #answer(type: 'commandResults' | 'queryResults', blocks: ResultBlock[], appliedIndex: LogIndex): ResultBlock[] {
    if (blocks.length === 0) return blocks;
    const transfer: ArrayBuffer[] = [];
    for (const block of blocks) collectTransfers(block, transfer);
    this.#caller.tell({ type, machine: this.#number, appliedIndex, blocks }, transfer);
    return [];
  }
}

/** Makes the actor; the export that an object thread spawns by name. */
export const machineActor: ActorFactory<MachineMessage, MachineActorData> = (context, data) =>
  machineActorOn({ disk: new NodeDisk({ isSynced: true }) })(context, data);

/** Makes the actor with a disk, classes and pauses of the caller's choice. */
export function machineActorOn(env: MachineEnv): ActorFactory<MachineMessage, MachineActorData> {
  return (context, data) => new MachineActor(context, data, env);
}
