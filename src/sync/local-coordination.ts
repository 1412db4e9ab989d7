/**
 * A Coordination in this very process: the same object as the replicated one, run command by command as a node would
 * run it, with the same notice of its changes, and a keeper that ends sessions. For one process, and for tests.
 */

import { Coordination, type CoordinationChange } from '../actors/coordination/coordination.js';
import { SessionKeeper } from '../actors/coordination/session-keeper.js';
import { ArrayWriter } from '../actors/replicated/array-writer.js';
import { decodeChanges } from '../actors/replicated/changes/change-batch.js';
import { FIRST_PLACE } from '../actors/replicated/changes/change-place.js';
import { ChangeRecorder } from '../actors/replicated/changes/change-recorder.js';
import { enterCommand, leaveCommand } from '../actors/replicated/command-context.js';
import { ValueCodec } from '../actors/replicated/value-codec.js';
import type { Timekeeper } from '../runtime/timekeeper.js';
import type { CoordinationAccess, CoordinationCalls, FollowedState } from './coordination-access.js';

type Command = Exclude<keyof CoordinationCalls, 'look' | 'standing'> | 'expire';

interface Follower {
  readonly key: number | string;
  readonly read: 'standing' | 'look';
  readonly onNews: (news: FollowedState | CoordinationChange) => void;
  readonly onEnd: (error: unknown) => void;
}

export class LocalCoordination implements CoordinationAccess {
  readonly timekeeper: Timekeeper;
  readonly #coordination = new Coordination();
  readonly #codec = new ValueCodec();
  readonly #recorder = new ChangeRecorder('memory', this.#codec);
  readonly #writer = new ArrayWriter();
  readonly #followers = new Set<Follower>();
  readonly #keeper: SessionKeeper;
  /** Counts commands. */
  #index = 0;

  constructor(timekeeper: Timekeeper) {
    this.timekeeper = timekeeper;
    this.#record();
    this.#keeper = new SessionKeeper({
      timekeeper,
      sightings: async () => this.#coordination.sightings(),
      expire: (session, renewals) => this.#run('expire', [session, renewals]),
    });
  }

  within(): CoordinationCalls {
    const command =
      (name: Command) =>
      (...args: unknown[]): Promise<unknown> =>
        this.#run(name, args);
    const calls: Record<keyof CoordinationCalls, unknown> = {
      openSession: command('openSession'),
      renew: command('renew'),
      closeSession: command('closeSession'),
      claim: command('claim'),
      giveUp: command('giveUp'),
      proclaim: command('proclaim'),
      standing: async (session: number) => this.#copy(this.#coordination.standing(session)),
      look: async (name: string) => this.#copy(this.#coordination.look(name)),
    };
    return calls as CoordinationCalls;
  }

  follow(
    key: number | string,
    read: 'standing' | 'look',
    onNews: (news: FollowedState | CoordinationChange) => void,
    onEnd: (error: unknown) => void,
  ): () => void {
    const follower: Follower = { key, read, onNews, onEnd };
    this.#followers.add(follower);
    this.#tellState(follower);
    return () => this.#followers.delete(follower);
  }

  async #run(name: Command, args: readonly unknown[]): Promise<unknown> {
    const coordination = this.#coordination;
    const index = ++this.#index;
    const given = this.#copy(args);
    let result: unknown;
    enterCommand(index, 0, this.timekeeper.clock.wallMs(), coordination, this.#recorder);
    try {
      result = (coordination[name] as (...args: readonly unknown[]) => unknown).apply(coordination, [...given]);
    } catch (error) {
      this.#recorder.takeBack(index, 0);
      throw error;
    } finally {
      leaveCommand();
    }
    this.#tellNews();
    // Sessions that nobody has opened need nobody to keep them.
    if (name === 'openSession') this.#keeper.leads(1);
    else if (result === true && (name === 'expire' || name === 'closeSession')) this.#restKeeper();
    return this.#copy(result);
  }

  #restKeeper(): void {
    if (this.#coordination.sightings().length === 0) this.#keeper.leads(null);
  }

  #tellNews(): void {
    if (!this.#recorder.hasNews) return;
    const news = this.#recorder.takeNews(this.#writer);
    if (news.type === 'lost') {
      // More has changed at once than is kept: everybody begins anew, with how things are.
      this.#record();
      for (const follower of this.#followers) this.#tellState(follower);
      return;
    }
    for (const change of decodeChanges(news.batch, this.#codec) as CoordinationChange[]) {
      for (const follower of this.#followers) {
        if (follower.key === change.key) queueMicrotask(() => this.#tell(follower, change));
      }
    }
  }

  #record(): void {
    this.#recorder.begin(undefined, null, FIRST_PLACE);
  }

  /** What is told of it next is what has changed since then. */
  #tellState(follower: Follower): void {
    const { key, read } = follower;
    let state: FollowedState;
    try {
      const value =
        read === 'standing' ? this.#coordination.standing(key as number) : this.#coordination.look(key as string);
      state = { type: 'state', value: this.#copy(value) };
    } catch (error) {
      // Like an answer, not before the call has returned.
      queueMicrotask(() => this.#followers.delete(follower) && follower.onEnd(error));
      return;
    }
    queueMicrotask(() => this.#tell(follower, state));
  }

  #tell(follower: Follower, news: FollowedState | CoordinationChange): void {
    if (this.#followers.has(follower)) follower.onNews(news);
  }

  /** What comes from elsewhere, and goes there, is nobody's own. */
  #copy<Value>(value: Value): Value {
    return this.#codec.decode(this.#codec.encodeInto(value)) as Value;
  }
}
