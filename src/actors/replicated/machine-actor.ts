/**
 * The actor around a node's Machine, on the object thread (or inline): applies what consensus has committed, answers
 * the caller, and runs queries once the state is new enough for them. It gathers what one batch of messages has given
 * and sends one message to each neighbour.
 */

import type { Actor, ActorAddress, ActorContext, ActorFactory, ActorRef, Reply } from '../../runtime/actor.js';
import { assert } from '../../assert.js';
import { asError } from '../../errors.js';
import { logIndex, type Incarnation, type LogIndex, type SessionId } from '../../ids.js';
import type { RaftActorMessage } from '../raft/raft-actor-messages.js';
import type { CallerMessage } from './caller-messages.js';
import { Machine } from './machine.js';
import type { MachineMessage, RunQueries } from './machine-messages.js';
import { loadObject, type LoadedObject, type ResolvedObject } from './object-definition.js';
import { collectTransfers, type ResultBlock } from './results.js';
import { ValueCodec } from './value-codec.js';

/** What a MachineActor is made from; crosses threads by structured clone. */
export interface MachineActorData {
  readonly objects: readonly ResolvedObject[];
  readonly incarnation: Incarnation;
  readonly sessionsMax: number;
  readonly raft: ActorAddress;
  readonly caller: ActorAddress;
}

/** Tells the actor itself that its objects' modules have been imported. */
type Loaded =
  | { readonly type: 'objectsLoaded'; readonly objects: readonly LoadedObject[] }
  | { readonly type: 'objectsNotLoaded'; readonly error: Error };

class MachineActor implements Actor<MachineMessage | Loaded> {
  readonly #data: MachineActorData;
  readonly #raft: ActorRef<RaftActorMessage>;
  readonly #caller: ActorRef<CallerMessage>;
  readonly #life: number;
  /** Null until the objects have been loaded. */
  #machine: Machine | null = null;
  #starting: Reply | null = null;
  #loadError: Error | null = null;
  /** Queries that wait for an index that has not been applied yet, in the order of their arrival. */
  #waiting: RunQueries[] = [];
  #commandResults: ResultBlock[] = [];
  #queryResults: ResultBlock[] = [];
  #reportedIndex = -1;
  #reportedSession: SessionId | null = null;

  constructor(context: ActorContext<MachineMessage | Loaded>, data: MachineActorData) {
    this.#data = data;
    this.#raft = context.ref(data.raft);
    this.#caller = context.ref(data.caller);
    this.#life = context.random.uint32();
    Promise.all(data.objects.map((object) => loadObject(object))).then(
      (objects) => context.self.tell({ type: 'objectsLoaded', objects }),
      (error: unknown) => context.self.tell({ type: 'objectsNotLoaded', error: asError(error) }),
    );
  }

  receive(message: MachineMessage | Loaded, reply: Reply): void {
    switch (message.type) {
      case 'applyEntries':
        // The objects before these may still be sent some, before consensus hears that these have taken their place.
        if (message.life !== this.#life) break;
        assert(this.#machine !== null, 'entries arrive after machineReady only');
        this.#machine.apply(new Uint8Array(message.entries), this.#commandResults);
        break;
      case 'runQueries':
        if (this.#machine !== null && message.index <= this.#machine.appliedIndex) this.#query(message);
        else this.#waiting.push(message);
        break;
      case 'start':
        this.#starting = reply;
        if (this.#machine !== null) reply.ok();
        else if (this.#loadError !== null) this.#failStart(reply, this.#loadError);
        break;
      case 'objectsLoaded':
        this.#onLoaded(message.objects);
        break;
      case 'objectsNotLoaded':
        this.#loadError = message.error;
        // Whoever starts this actor is to hear of it first, rather than of a thread that ended.
        if (this.#starting !== null) this.#failStart(this.#starting, message.error);
    }
  }

  #failStart(reply: Reply, error: Error): never {
    reply.fail(error);
    throw error;
  }

  drained(): void {
    if (this.#machine === null) return;
    if (this.#waiting.length > 0) this.#runWaiting();
    const appliedIndex = logIndex(this.#machine.appliedIndex);
    // Results first: the caller forgets what it waits for when it hears that its session has expired.
    this.#commandResults = this.#answer('commandResults', this.#commandResults, appliedIndex);
    this.#queryResults = this.#answer('queryResults', this.#queryResults, appliedIndex);
    if (appliedIndex !== this.#reportedIndex) this.#report(this.#machine);
  }

  #onLoaded(objects: readonly LoadedObject[]): void {
    const { incarnation, sessionsMax } = this.#data;
    this.#machine = new Machine({ objects, incarnation, sessionsMax, codec: new ValueCodec() });
    this.#raft.tell({ type: 'machineReady', life: this.#life });
    this.#starting?.ok();
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

  #report(machine: Machine): void {
    const { appliedIndex, own } = machine;
    assert(appliedIndex >= this.#reportedIndex, 'lastApplied never goes down');
    this.#reportedIndex = appliedIndex;
    const { session, nextSeq, gap, expired } = own;
    const index = logIndex(appliedIndex);
    this.#raft.tell({ type: 'machineApplied', life: this.#life, index, session, nextSeq, gap, expired });
    if (expired !== null) this.#caller.tell({ type: 'sessionExpired', session: expired });
    if (session !== null && session !== this.#reportedSession) this.#caller.tell({ type: 'sessionOpened', session });
    this.#reportedSession = session;
    own.gap = false;
    own.expired = null;
  }

  /** Sends what has been gathered, and returns an empty list for the next batch. */
  #answer(type: 'commandResults' | 'queryResults', blocks: ResultBlock[], appliedIndex: LogIndex): ResultBlock[] {
    if (blocks.length === 0) return blocks;
    const transfer: ArrayBuffer[] = [];
    for (const block of blocks) collectTransfers(block, transfer);
    this.#caller.tell({ type, appliedIndex, blocks }, transfer);
    return [];
  }
}

/** Makes the actor; the export that an object thread spawns by name. */
export const machineActor: ActorFactory<MachineMessage, MachineActorData> = (context, data) =>
  new MachineActor(context, data);
