/**
 * A log store actor without a system around it: the test gives it its messages and its turns, and has every answer when
 * the call returns. What the actor throws, the test gets.
 */

import assert from 'node:assert/strict';
import { logStoreActorOn } from '../../../../../src/actors/log-store/log-store-actor.js';
import type { LogStoreMessage, RecoveredLog } from '../../../../../src/actors/log-store/log-store-messages.js';
import type { LogStored } from '../../../../../src/actors/raft/raft-actor-messages.js';
import { groupId, type GroupId, type LastIncluded, type LogIndex } from '../../../../../src/ids.js';
import type { Actor, ActorAddress, ActorContext, ActorRef, Reply } from '../../../../../src/runtime/actor.js';
import { silentLogger } from '../../../../../src/runtime/logger.js';
import { SeededRandom } from '../../../../../src/runtime/random.js';
import type { Disk } from '../../../../../src/storage/disk.js';
import type { LogRequest } from '../../../../../src/testing/log-store-model.js';

export interface DrivenLogStoreOptions {
  readonly disk: Disk;
  readonly segmentBytes: number;
  readonly directory: string;
  readonly onAcknowledged: (group: GroupId, request: number) => void;
}

interface Answer {
  readonly value?: unknown;
  readonly error?: Error;
}

const NO_REPLY: Reply = { ok: () => {}, fail: () => {} };

export class DrivenLogStore {
  readonly #actor: Actor<LogStoreMessage>;
  /** What the actor has told itself. */
  readonly #own: LogStoreMessage[] = [];
  /** The requests that each group has made. */
  readonly #requests = new Map<GroupId, number>();
  readonly #acknowledged = new Map<GroupId, number>();
  readonly #onAcknowledged: (group: GroupId, request: number) => void;

  /** Opens the log of this directory. An acknowledgement stands for all requests of the group up to that one. */
  constructor({ disk, segmentBytes, directory, onAcknowledged }: DrivenLogStoreOptions) {
    this.#onAcknowledged = onAcknowledged;
    this.#actor = logStoreActorOn(disk)(this.#context(), { directory, segmentBytes });
  }

  recover(group: GroupId, snapshots: readonly LastIncluded[]): RecoveredLog {
    const raft: ActorAddress = { system: 'test', name: `${group}` };
    return this.#ask({
      type: 'recoverLog',
      group,
      snapshots,
      raft,
    }) as RecoveredLog;
  }

  /** What the group's own door tells; its requests are not made by {@link DrivenLogStore.store} then. */
  ref(group: GroupId): ActorRef<LogStoreMessage> {
    return {
      address: { system: 'test', name: 'log' },
      tell: (message) => {
        if (message.type === 'storeLog') this.#requests.set(group, message.request);
        this.#actor.receive(message, NO_REPLY);
      },
      ask: unused,
    };
  }

  /** Makes the group's next request; nothing need happen before {@link DrivenLogStore.turn}. Returns its number. */
  store(group: GroupId, { hardState, reset, append }: LogRequest): number {
    const request = (this.#requests.get(group) ?? 0) + 1;
    this.#requests.set(group, request);
    // The store owns the bytes that it is given, and the test its model's.
    const owned = append === null ? null : { ...append, entries: append.entries.slice(0) };
    this.#actor.receive({ type: 'storeLog', group, request, hardState, reset, append: owned }, NO_REPLY);
    return request;
  }

  drop(group: GroupId, index: LogIndex): void {
    this.#actor.receive({ type: 'dropLog', group, index }, NO_REPLY);
  }

  /** Ends a batch of messages: lets the actor do what it has gathered. */
  turn(): void {
    this.#actor.drained?.();
    while (this.#own.length > 0) {
      this.#actor.receive(this.#own.shift()!, NO_REPLY);
      this.#actor.drained?.();
    }
  }

  /** Closes the files in order. */
  close(): void {
    this.#ask({ type: 'closeLog' });
    this.#actor.stopped?.();
  }

  /** What the runtime does with an actor that has thrown. */
  abandon(): void {
    this.#actor.stopped?.();
  }

  #ask(message: LogStoreMessage): unknown {
    const answers: Answer[] = [];
    this.#actor.receive(message, {
      ok: (value) => void answers.push({ value }),
      fail: (error) => void answers.push({ error }),
    });
    this.turn();
    const answer = answers[0];
    assert(answer !== undefined, `${message.type} was answered within its turn`);
    if (answer.error !== undefined) throw answer.error;
    return answer.value;
  }

  #onStored(group: GroupId, { request }: LogStored): void {
    const isNews = request > (this.#acknowledged.get(group) ?? 0) && request <= (this.#requests.get(group) ?? 0);
    assert(isNews, `request ${request} of group ${group} is acknowledged once, after it was made`);
    this.#acknowledged.set(group, request);
    this.#onAcknowledged(group, request);
  }

  #context(): ActorContext<LogStoreMessage> {
    const own = this.#own;
    const self: ActorRef<LogStoreMessage> = {
      address: { system: 'test', name: 'log' },
      tell: (message) => void own.push(message),
      ask: unused,
    };
    return {
      self,
      clock: { nowMs: () => 0, wallMs: () => 0 },
      random: new SeededRandom(1),
      logger: silentLogger,
      ref: (address) => ({
        address,
        tell: (message) => this.#onStored(groupId(Number(address.name)), message as LogStored),
        ask: unused,
      }),
      spawn: unused,
      watch: () => {},
      after: unused,
      every: unused,
      stop: () => {},
    };
  }
}

function unused(): never {
  assert.fail('the log store has no use for this');
}
