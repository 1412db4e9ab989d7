/**
 * What the callers of a node have under way with one of its machines: lanes of commands and of queries, watches, and
 * how far that machine has come with the node's session. On the caller's thread, a part of Caller. A machine that is
 * slow or ends keeps nobody waiting but those who call its objects.
 */

import { ConclaveError } from '../../errors.js';
import type { SessionId } from '../../ids.js';
import type { ActorRef } from '../../runtime/actor.js';
import { MethodName } from './block-names.js';
import { BlockLane, type LaneOptions } from './block-lane.js';
import type { Consistency } from './call.js';
import { changesLost, WatchDesk, type WatchDeskOptions } from './changes/watch-desk.js';
import type { MachineMessage } from './machine-messages.js';

type LaneDuty = Pick<LaneOptions, 'send' | 'maySend' | 'whyTimedOut'>;

export interface CalledMachineOptions {
  readonly ref: ActorRef<MachineMessage>;
  /** What is the same for all lanes. */
  readonly lanes: Omit<LaneOptions, keyof LaneDuty | 'isQuery'>;
  /** How blocks of commands leave, given that the machine has come to the session in force. */
  readonly commands: Pick<LaneDuty, 'send' | 'maySend'>;
  readonly sendQueries: Readonly<Record<Consistency, LaneDuty['send']>>;
  readonly whyTimedOut: (wasSent: boolean, isQuery: boolean) => ReturnType<LaneDuty['whyTimedOut']>;
  readonly watches: Omit<WatchDeskOptions, 'codec' | 'machine'>;
}

export class CalledMachine {
  readonly ref: ActorRef<MachineMessage>;
  readonly commands: BlockLane;
  readonly queries: Readonly<Record<Consistency, BlockLane>>;
  readonly watches: WatchDesk;
  /** The session that the machine has come to; null: to none yet, or to the end of the last one. */
  session: SessionId | null = null;
  /** The latest session that it has come to. A machine that is fed the log again tells of earlier ones. */
  lastSession: SessionId | 0 = 0;
  /** The code version that is in force there. Never goes down, though a new thread comes to it once more. */
  codeVersion = 0;
  #isUp = true;
  readonly #nothing = new MethodName('', '');

  constructor({ ref, lanes, commands, sendQueries, whyTimedOut, watches }: CalledMachineOptions) {
    const queryLane = (consistency: Consistency): BlockLane =>
      new BlockLane({
        ...lanes,
        isQuery: true,
        send: sendQueries[consistency],
        maySend: () => this.#isUp,
        // Of a local one no leader is asked.
        whyTimedOut: (wasSent) => (consistency === 'local' ? 'ERR_TIMEOUT' : whyTimedOut(wasSent, true)),
      });
    this.ref = ref;
    this.commands = new BlockLane({
      ...lanes,
      ...commands,
      isQuery: false,
      whyTimedOut: (wasSent) => whyTimedOut(wasSent, false),
    });
    this.queries = { linearizable: queryLane('linearizable'), lease: queryLane('lease'), local: queryLane('local') };
    this.watches = new WatchDesk({ ...watches, codec: lanes.codec, machine: ref });
  }

  get pendingQueries(): number {
    const { linearizable, lease, local } = this.queries;
    return linearizable.pending + lease.pending + local.pending;
  }

  get lanes(): readonly BlockLane[] {
    return [this.commands, this.queries.linearizable, this.queries.lease, this.queries.local];
  }

  /** Runs nothing; resolves once the machine has applied everything that was committed before the call. */
  catchUp(call: Parameters<BlockLane['callNothing']>[1]): Promise<unknown> {
    return this.queries.linearizable.callNothing(this.#nothing, call);
  }

  /** The machine's thread has ended. Commands wait for the next one. */
  lost(cause: Error): void {
    this.#isUp = false;
    const error = (): ConclaveError =>
      new ConclaveError('ERR_OBJECT_FAILED', 'The thread of the objects has ended before it answered the query.', {
        mayBeApplied: false,
        retrySafe: true,
        cause,
      });
    for (const lane of Object.values(this.queries)) lane.failSent(error);
    this.watches.onMachineLost(() => changesLost('The thread of the objects has ended', cause));
  }

  /** The machine stands again. */
  back(): void {
    this.#isUp = true;
    for (const lane of this.lanes) lane.flush();
    this.watches.askAgain();
  }
}
