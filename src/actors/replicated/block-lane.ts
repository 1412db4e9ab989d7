/**
 * One lane of calls on the caller's thread: gathers those of one turn into blocks, keeps the promises that wait for
 * them, and decides when a block leaves. Commands use one lane, queries one for each consistency. While blocks are
 * under way, calls gather in the next block, so that blocks grow with the load by themselves.
 */

import { ConclaveError } from '../../errors.js';
import { AbortWatch } from './abort-watch.js';
import { BlockBuilder, encodeArgs } from './block-builder.js';
import { BlockNames, type MethodName } from './block-names.js';
import type { Call } from './call.js';
import type { LaneFigures } from './lane-figures.js';
import { LatencyHistogram } from './latency-histogram.js';
import { PendingBlock, type Reject, type Resolve } from './pending-block.js';
import { resultError, type ResultBlock } from './results.js';
import type { ValueCodec } from './value-codec.js';

export interface LaneOptions {
  readonly codec: ValueCodec;
  readonly nowMs: () => number;
  readonly defaultTimeoutMs: number;
  readonly commandBytesMax: number;
  /** Calls of this lane that may wait at any time. */
  readonly pendingMax: number;
  /** Encoded bytes of the calls that may wait, one more block apart. */
  readonly pendingBytesMax: number;
  /** Queries change nothing: failed ones may always be made again. */
  readonly isQuery: boolean;
  /** Sends a block. False: whoever is to have it has no room for it now, and nothing was sent. */
  readonly send: (builder: BlockBuilder, block: PendingBlock) => boolean;
  /** May a block leave now? When not, calls wait in this lane; `flush` is called again when this may have changed. */
  readonly maySend: () => boolean;
  /** Why a call was not answered in time. */
  readonly whyTimedOut: (wasSent: boolean) => 'ERR_NO_LEADER' | 'ERR_TIMEOUT';
  /** Why there is no leader, as far as is known, and what may be done. */
  readonly whyNoLeader: () => string;
}

/** A block is closed at this size, unless a single command is larger. */
const BLOCK_BYTES_MAX = 512 * 1024;
/** A block is closed at this number of commands, which bounds how long one block occupies the object's thread. */
const BLOCK_COMMANDS_MAX = 4096;
/**
 * Blocks on their way: one that is being applied, one that is being agreed on, one that is on its way there. More would
 * only make them smaller, and each costs every node the same, however small: where processors are short, calls wait
 * longer for each other's blocks than they would in one block.
 */
const BLOCKS_IN_FLIGHT_MAX = 3;

/** Builders kept for reuse; there are more only while calls wait for a leader. */
const IDLE_BUILDERS_MAX = 4;

interface WaitingBlock {
  readonly builder: BlockBuilder;
  readonly block: PendingBlock;
  /** May calls be added? Not for long, for all that ask for no deadline of their own get that of the block. */
  isOpen: boolean;
}

let resolveOfLast: Resolve;
let rejectOfLast: Reject;
/** One executor for all promises: no closure for each call. */
const capture = (resolve: Resolve, reject: Reject): void => {
  resolveOfLast = resolve;
  rejectOfLast = reject;
};

export class BlockLane {
  readonly #options: LaneOptions;
  /** Blocks that have not been sent, oldest first; calls are added to the last one. */
  #waiting: WaitingBlock[] = [];
  /** Blocks that have been sent and not answered, in the order in which they were sent. */
  #sent: PendingBlock[] = [];
  /** Of sent blocks with calls that were told: nobody would make those again, if all nodes refused them. */
  readonly #toldIn = new Map<PendingBlock, BlockBuilder>();
  #idleBuilders: BlockBuilder[] = [];
  readonly #names = new BlockNames();
  readonly #aborts = new AbortWatch();
  #isFlushScheduled = false;
  /** Was the oldest waiting block refused for want of room? */
  #isRefused = false;
  /** Calls in waiting and sent blocks. */
  #pending = 0;
  /** Calls that wait no longer. */
  #done = 0;
  /** By code, calls that somebody waited for and that have failed. */
  readonly #failed = new Map<string, number>();
  readonly #latencies = new LatencyHistogram();
  /** Bytes of the sent blocks, and of those waiting that take no more calls. */
  #pendingBytes = 0;
  /** What every later call fails with; null: calls are taken. */
  #whyEnded: (() => ConclaveError) | null = null;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Does anybody wait for a call, whose time may come to an end? */
  get isAwaited(): boolean {
    return this.#waiting.length > 0 || this.#sent.some((block) => !block.isSettled);
  }

  get pending(): number {
    return this.#pending;
  }

  figures(): LaneFigures {
    return {
      submitted: this.#done + this.#pending,
      pending: this.#pending,
      failed: [...this.#failed],
      latency: this.#latencies.figures(),
    };
  }

  /** Makes a call. The promise is rejected rather than anything thrown. */
  call(name: MethodName, args: readonly unknown[], call: Call): Promise<unknown> {
    return this.#call(name, args, call, true);
  }

  /** Makes a call that nothing is run for; it is answered like any other. */
  callNothing(name: MethodName, call: Call): Promise<unknown> {
    return this.#call(name, [], call, false);
  }

  #call(name: MethodName, args: readonly unknown[], call: Call, isRun: boolean): Promise<unknown> {
    if (isAborted(call)) return Promise.reject(this.#aborted(call.signal!, false));
    try {
      const encoded = this.#encode(name, args);
      if (isAborted(call)) throw this.#aborted(call.signal!, false);
      const { builder, block } = this.#blockFor(name);
      const position = this.#addTo(builder, name, args, encoded);
      if (!isRun) builder.cancel(position);
      const promise = new Promise(capture);
      const deadlineMs = call.timeoutMs === null ? null : this.#options.nowMs() + call.timeoutMs;
      block.add(resolveOfLast, rejectOfLast, deadlineMs);
      this.#pending++;
      if (call.signal !== null) this.#rejectOnAbort(call.signal, call, promise, builder, block, position);
      return promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Makes a call whose result nobody waits for. Throws what `call` would reject with before sending. */
  tell(name: MethodName, args: readonly unknown[]): void {
    const encoded = this.#encode(name, args);
    const { builder, block } = this.#blockFor(name);
    this.#addTo(builder, name, args, encoded);
    block.add(null, null, null);
    this.#pending++;
  }

  /** Sends what may be sent. What there is no room for is sent again when deadlines are looked at. */
  flush(): void {
    const { send, maySend } = this.#options;
    this.#isRefused = false;
    while (this.#waiting.length > 0 && this.#sent.length < BLOCKS_IN_FLIGHT_MAX && maySend()) {
      const waiting = this.#waiting[0]!;
      const { builder, block } = waiting;
      this.#close(waiting);
      if (!send(builder, block)) {
        this.#isRefused = true;
        return;
      }
      this.#waiting.shift();
      this.#sent.push(block);
      if (block.hasTold) this.#toldIn.set(block, builder);
      else this.#putAway(builder);
    }
  }

  /** Settles the calls of a sent block. An answer for a block that is not waited for any more is ignored. */
  settle(results: ResultBlock): void {
    const at = this.#sent[0]?.id === results.id ? 0 : this.#sent.findIndex((block) => block.id === results.id);
    if (at < 0) return;
    const block = this.#sent[at]!;
    if (at === 0) this.#sent.shift();
    else this.#sent.splice(at, 1);
    this.#forget(block);
    this.#latencies.add(this.#options.nowMs() - block.startedMs, block.count);
    this.#settleBlock(block, results);
    if (this.#waiting.length > 0) this.#scheduleFlush();
  }

  /** Rejects the calls of those sent blocks whose id is meant. */
  failSent(error: () => ConclaveError, isMeant: (id: number) => boolean = () => true): void {
    const failed = this.#sent.filter(({ id }) => isMeant(id));
    if (failed.length === 0) return;
    this.#sent = this.#sent.filter((block) => !failed.includes(block));
    for (const block of failed) {
      this.#forget(block);
      block.rejectAll(error);
    }
    if (this.#waiting.length > 0) this.#scheduleFlush();
  }

  /**
   * All nodes have refused the sent blocks, and always will. Rejects their calls; those that were told go again, in
   * front of what has waited for that.
   */
  refuseSent(error: () => ConclaveError): void {
    const again: WaitingBlock[] = [];
    for (const block of this.#sent) {
      const builder = this.#toldIn.get(block);
      if (builder === undefined) continue;
      this.#toldIn.delete(block);
      block.rejectAll((position) => {
        builder.cancel(position);
        return error();
      });
      block.id = 0;
      again.push({ builder, block, isOpen: false });
    }
    this.#sent = this.#sent.filter(({ id }) => id !== 0);
    this.failSent(error);
    this.#waiting = [...again, ...this.#waiting];
    if (again.length > 0) this.#scheduleFlush();
  }

  /** Rejects every call, sent or not, and every later one, for a call may end the node while it is being made. */
  failAll(error: (wasSent: boolean) => ConclaveError): void {
    this.#whyEnded = () => error(false);
    this.failSent(() => error(true));
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { block } of waiting) {
      this.#forget(block);
      block.rejectAll(() => error(false));
    }
  }

  /** Rejects the calls whose time is over. */
  expire(nowMs: number): void {
    for (const block of this.#sent) block.expire(nowMs, () => this.#timedOut(true));
    for (const { builder, block } of this.#waiting) {
      block.expire(
        nowMs,
        () => this.#timedOut(false),
        (position) => builder.cancel(position),
      );
    }
    this.#dropSettledWaiting();
    const last = this.#waiting.at(-1);
    if (last !== undefined) last.isOpen = false;
    if (this.#isRefused) this.flush();
  }

  /** Before there is a block for them: see {@link encodeArgs}. */
  #encode(name: MethodName, args: readonly unknown[]): Uint8Array | null {
    this.#checkRoom();
    return encodeArgs(this.#options.codec, name, args);
  }

  #checkRoom(): void {
    if (this.#whyEnded !== null) throw this.#whyEnded();
    const { pendingMax, pendingBytesMax } = this.#options;
    if (this.#pending >= pendingMax) throw queueFull('calls', this.#pending, 'pendingCommands', pendingMax);
    if (this.#pendingBytes >= pendingBytesMax) {
      throw queueFull('bytes of calls', this.#pendingBytes, 'pendingBytes', pendingBytesMax);
    }
  }

  #blockFor(name: MethodName): WaitingBlock {
    // Once more: to encode the arguments may have made calls.
    this.#checkRoom();
    const last = this.#waiting.at(-1);
    if (
      last !== undefined &&
      last.isOpen &&
      last.builder.byteLength < BLOCK_BYTES_MAX &&
      last.builder.count < BLOCK_COMMANDS_MAX &&
      last.builder.accepts(name)
    ) {
      return last;
    }
    if (last !== undefined) this.#close(last);
    const builder = this.#idleBuilders.pop() ?? this.#newBuilder();
    const block = new PendingBlock(this.#options.nowMs(), this.#options.defaultTimeoutMs, this.#onRejected);
    const waiting = { builder, block, isOpen: true };
    this.#waiting.push(waiting);
    this.#scheduleFlush();
    return waiting;
  }

  /**
   * Adds a call to the last block. One that cannot be encoded leaves no block behind without calls, which would only
   * grow old.
   */
  #addTo(builder: BlockBuilder, name: MethodName, args: readonly unknown[], encoded: Uint8Array | null): number {
    try {
      return builder.add(name, args, encoded);
    } catch (error) {
      if (builder.count === 0 && this.#waiting.at(-1)?.builder === builder) {
        this.#waiting.pop();
        this.#putAway(builder);
      }
      throw error;
    }
  }

  /** Its block is no more, or has been sent. */
  #putAway(builder: BlockBuilder): void {
    builder.clear();
    if (this.#idleBuilders.length < IDLE_BUILDERS_MAX) this.#idleBuilders.push(builder);
  }

  #newBuilder(): BlockBuilder {
    const { codec, commandBytesMax } = this.#options;
    return new BlockBuilder(codec, commandBytesMax, this.#names);
  }

  /** The block takes no more calls: its size is known. */
  #close(waiting: WaitingBlock): void {
    waiting.isOpen = false;
    const { builder, block } = waiting;
    if (block.bytes > 0) return;
    block.bytes = builder.byteLength;
    this.#pendingBytes += block.bytes;
  }

  /** The block waits no longer. */
  #forget(block: PendingBlock): void {
    this.#pending -= block.count;
    this.#done += block.count;
    this.#pendingBytes -= block.bytes;
    const builder = this.#toldIn.get(block);
    if (builder === undefined) return;
    this.#toldIn.delete(block);
    this.#putAway(builder);
  }

  /** All calls of this turn, and of the promise continuations that follow it, leave in one block. */
  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    queueMicrotask(this.#flushAfterMicrotasks);
  }

  readonly #flushAfterMicrotasks = (): void => {
    process.nextTick(this.#flushScheduled);
  };

  readonly #flushScheduled = (): void => {
    this.#isFlushScheduled = false;
    this.flush();
  };

  readonly #onRejected = (error: unknown): void => {
    const code = error instanceof ConclaveError ? error.code : 'ERR_COMMAND_THREW';
    this.#failed.set(code, (this.#failed.get(code) ?? 0) + 1);
  };

  #settleBlock(block: PendingBlock, { count, numbers, values, errors }: ResultBlock): void {
    if (errors !== null) {
      const { isQuery } = this.#options;
      for (const [position, error, method] of errors) block.reject(position, resultError(error, method, isQuery));
    }
    const decoded = values === null ? null : (this.#options.codec.decode(values) as unknown[]);
    for (let position = 0; position < count; position++) {
      block.resolve(position, numbers !== null ? numbers[position] : decoded?.[position]);
    }
  }

  /** Blocks in which every call has been given up need not be sent at all. */
  #dropSettledWaiting(): void {
    if (!this.#waiting.some(({ block }) => block.isSettled)) return;
    this.#waiting = this.#waiting.filter(({ block, builder }) => {
      if (!block.isSettled) return true;
      this.#forget(block);
      this.#putAway(builder);
      return false;
    });
  }

  #rejectOnAbort(
    signal: AbortSignal,
    { isTry = false }: Call,
    promise: Promise<unknown>,
    builder: BlockBuilder,
    block: PendingBlock,
    position: number,
  ): void {
    const onAbort = (): void => {
      const wasSent = block.id !== 0;
      if (wasSent && isTry) return;
      if (block.reject(position, this.#aborted(signal, wasSent)) && !wasSent) builder.cancel(position);
    };
    const forget = this.#aborts.add(signal, onAbort);
    promise.then(forget, forget);
  }

  #aborted(signal: AbortSignal, wasSent: boolean): ConclaveError {
    return new ConclaveError('ERR_ABORTED', 'The caller gave up waiting: its signal was aborted.', {
      cause: signal.reason,
      ...this.#consequence(wasSent),
    });
  }

  #timedOut(wasSent: boolean): ConclaveError {
    const code = this.#options.whyTimedOut(wasSent);
    const message = code === 'ERR_NO_LEADER' ? this.#options.whyNoLeader() : 'The call was not answered in time.';
    return new ConclaveError(code, message, this.#consequence(wasSent));
  }

  /** A command that was sent may be applied at any later time, so that a second one might double it. */
  #consequence(wasSent: boolean): { mayBeApplied: boolean; retrySafe: boolean } {
    const mayBeApplied = wasSent && !this.#options.isQuery;
    return { mayBeApplied, retrySafe: !mayBeApplied };
  }
}

/** Asked again after code of the caller's has run. */
function isAborted({ signal }: Call): boolean {
  return signal?.aborted === true;
}

function queueFull(
  what: string,
  waiting: number,
  limit: 'pendingCommands' | 'pendingBytes',
  max: number,
): ConclaveError {
  return new ConclaveError(
    'ERR_QUEUE_FULL',
    `${waiting} ${what} are waiting already, and limits.${limit} is ${max}. Wait for some of them, or raise the limit.`,
    { data: { limit, waiting, max } },
  );
}
