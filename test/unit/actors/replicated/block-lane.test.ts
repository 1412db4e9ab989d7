import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { CANCELLED_NAME } from '../../../../src/actors/replicated/block.js';
import { MethodName } from '../../../../src/actors/replicated/block-names.js';
import { BlockLane, type LaneOptions } from '../../../../src/actors/replicated/block-lane.js';
import { ORDINARY_CALL, type Call } from '../../../../src/actors/replicated/call.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { ConclaveError } from '../../../../src/errors.js';
import { sessionId } from '../../../../src/ids.js';
import { errorOf } from './error-of.js';
import { readBlock } from './support/blocks.js';

const DEFAULT_TIMEOUT_MS = 1_000;
const BLOCKS_IN_FLIGHT_MAX = 3;
const add = new MethodName('book', 'add');

/** A lane, what it has sent, and the clock and permission that it goes by. */
class Rig {
  readonly sent: ArrayBuffer[] = [];
  nowMs = 0;
  maySend = true;
  hasRoom = true;
  hasLeader = true;
  readonly lane: BlockLane;
  #nextId = 1;

  constructor(options: Partial<LaneOptions> = {}) {
    this.lane = new BlockLane({
      codec: new ValueCodec(),
      nowMs: () => this.nowMs,
      defaultTimeoutMs: DEFAULT_TIMEOUT_MS,
      commandBytesMax: 100_000,
      pendingMax: 100_000,
      pendingBytesMax: 100_000_000,
      isQuery: false,
      send: (builder, block) => {
        const bytes = builder.encode(sessionId(1), this.#nextId);
        if (!this.hasRoom) return false;
        block.id = this.#nextId;
        this.#nextId += block.count;
        this.sent.push(bytes);
        return true;
      },
      maySend: () => this.maySend,
      whyTimedOut: (wasSent) => (wasSent || this.hasLeader ? 'ERR_TIMEOUT' : 'ERR_NO_LEADER'),
      whyNoLeader: () => 'there is none',
      ...options,
    });
  }

  call(value: unknown, call: Partial<Call> = {}): Promise<unknown> {
    return this.lane.call(add, [value], { ...ORDINARY_CALL, ...call });
  }

  /** Answers a sent block with its first id, its second id, and so on. */
  answer(position: number): void {
    const { firstSeq, count } = readBlock(this.sent[position]!).header;
    const numbers = Float64Array.from({ length: count }, (_, i) => firstSeq + i);
    this.lane.settle({ session: sessionId(1), id: firstSeq, count, numbers, values: null, errors: null });
  }

  valuesIn(position: number): unknown[] {
    return readBlock(this.sent[position]!).commands.map(([, args]) => (args as unknown[])[0]);
  }

  expireAt(nowMs: number): void {
    this.nowMs = nowMs;
    this.lane.expire(nowMs);
  }
}

describe('BlockLane', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
  });

  it('sends all calls of one turn in one block, those of its continuations included', async () => {
    void rig.call(1);
    void rig.call(2);
    void Promise.resolve().then(() => rig.call(3));
    expect(rig.sent).toHaveLength(0);

    await nextTurn();

    expect(rig.sent).toHaveLength(1);
    expect(rig.valuesIn(0)).toEqual([1, 2, 3]);
  });

  it('settles each call with its own result', async () => {
    const calls = [rig.call('a'), rig.call('b')];
    await nextTurn();

    rig.answer(0);

    expect(await Promise.all(calls)).toEqual([1, 2]);
    expect(rig.lane.pending).toBe(0);
  });

  it('lets calls gather while as many blocks are under way as may be', async () => {
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < BLOCKS_IN_FLIGHT_MAX + 5; i++) {
      calls.push(rig.call(i));
      await nextTurn();
    }
    expect(rig.sent).toHaveLength(BLOCKS_IN_FLIGHT_MAX);

    rig.answer(0);
    await nextTurn();

    expect(rig.sent).toHaveLength(BLOCKS_IN_FLIGHT_MAX + 1);
    expect(rig.valuesIn(BLOCKS_IN_FLIGHT_MAX)).toEqual([3, 4, 5, 6, 7]);
  });

  it('closes a block that has grown large, and keeps the order', async () => {
    for (let i = 0; i < 10; i++) void rig.call(`${i} ${'x'.repeat(90_000)}`);
    await nextTurn();

    expect(rig.sent).toHaveLength(2);
    expect(rig.valuesIn(0)).toHaveLength(6);
    expect(readBlock(rig.sent[1]!).header.firstSeq).toBe(7);
  });

  it('keeps calls until it may send', async () => {
    rig.maySend = false;
    void rig.call(1);
    await nextTurn();
    expect(rig.sent).toHaveLength(0);

    rig.maySend = true;
    rig.lane.flush();

    expect(rig.valuesIn(0)).toEqual([1]);
  });

  it('rejects a call that was sent and not answered in time', async () => {
    const call = errorOf(() => rig.call(1));
    await nextTurn();

    rig.expireAt(DEFAULT_TIMEOUT_MS);

    expect(await call).toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: true, retrySafe: false });
    expect(rig.lane.pending).toBe(1);
    rig.answer(0);
    expect(rig.lane.pending).toBe(0);
  });

  it('rejects a call that was never sent, and never sends it', async () => {
    rig.maySend = false;
    rig.hasLeader = false;
    const first = errorOf(() => rig.call('first', { timeoutMs: 10 }));
    void rig.call('second').catch(() => {});
    await nextTurn();

    rig.expireAt(10);
    rig.maySend = true;
    rig.lane.flush();

    expect(await first).toMatchObject({ code: 'ERR_NO_LEADER', mayBeApplied: false, retrySafe: true });
    expect(readBlock(rig.sent[0]!).commands).toEqual([
      [127, ['first']],
      [0, ['second']],
    ]);
  });

  it('drops blocks that nobody waits for any more', async () => {
    rig.maySend = false;
    const calls = [errorOf(() => rig.call(1)), errorOf(() => rig.call(2))];
    await nextTurn();

    rig.expireAt(DEFAULT_TIMEOUT_MS);
    rig.maySend = true;
    rig.lane.flush();

    expect(await Promise.all(calls)).toHaveLength(2);
    expect(rig.lane.pending).toBe(0);
    expect(rig.sent).toHaveLength(0);
  });

  it('keeps a block with a command that was told, however old it is', async () => {
    rig.maySend = false;
    rig.lane.tell(add, ['told']);
    const call = errorOf(() => rig.call('called'));
    await nextTurn();

    rig.expireAt(10 * DEFAULT_TIMEOUT_MS);
    rig.maySend = true;
    rig.lane.flush();

    await call;
    expect(readBlock(rig.sent[0]!).commands).toEqual([
      [0, ['told']],
      [127, ['called']],
    ]);
    rig.answer(0);
    expect(rig.lane.pending).toBe(0);
  });

  it('gives a call that joins others, which have waited long, all of its own time', async () => {
    rig.maySend = false;
    const early = errorOf(() => rig.call('early'));
    rig.expireAt(900);
    let isSettled = false;
    const late = errorOf(() => rig.call('late')).finally(() => (isSettled = true));

    rig.expireAt(1_000);
    await early;
    rig.expireAt(1_899);
    await nextTurn();
    expect(isSettled).toBe(false);
    rig.expireAt(1_900);

    expect(await late).toMatchObject({ mayBeApplied: false });
  });

  it('gives a call all of its time, though one that could not be encoded came long before it', async () => {
    rig.maySend = false;
    await expect(rig.call(() => 0)).rejects.toMatchObject({ code: 'ERR_NOT_ENCODABLE' });
    expect(rig.lane.isAwaited).toBe(false);
    rig.expireAt(10 * DEFAULT_TIMEOUT_MS);

    const call = rig.call(1);
    rig.expireAt(10 * DEFAULT_TIMEOUT_MS + 20);
    rig.maySend = true;
    rig.lane.flush();
    rig.answer(0);

    await expect(call).resolves.toBe(1);
  });

  it('sends again what there was no room for, in order and without what was given up meanwhile', async () => {
    const signal = new AbortController();
    rig.hasRoom = false;
    const first = rig.call('first');
    const aborted = errorOf(() => rig.call('aborted', { signal: signal.signal }));
    await nextTurn();
    const late = rig.call('late');
    await nextTurn();
    signal.abort();
    rig.expireAt(20);
    expect(rig.sent).toHaveLength(0);

    rig.hasRoom = true;
    rig.expireAt(40);
    rig.answer(0);
    rig.answer(1);

    expect(await aborted).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false });
    expect(rig.sent.map((_, position) => readBlock(rig.sent[position]!).commands)).toEqual([
      [
        [0, ['first']],
        [CANCELLED_NAME, ['aborted']],
      ],
      [[0, ['late']]],
    ]);
    expect(await Promise.all([first, late])).toEqual([1, 3]);
    expect(rig.lane.pending).toBe(0);
  });

  it('a call for which there was never room has not been made', async () => {
    rig.hasRoom = false;
    const call = errorOf(() => rig.call(1));
    await nextTurn();

    rig.expireAt(DEFAULT_TIMEOUT_MS);
    rig.hasRoom = true;
    rig.lane.flush();

    expect(await call).toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: false, retrySafe: true });
    expect(rig.sent).toHaveLength(0);
    expect(rig.lane.pending).toBe(0);
  });

  it('does not make a call whose signal is aborted already', async () => {
    const error = await errorOf(() => rig.call(1, { signal: AbortSignal.abort('no') }));
    await nextTurn();

    expect(error).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false, cause: 'no' });
    expect(rig.sent).toHaveLength(0);
    expect(rig.lane.pending).toBe(0);
  });

  it('cancels a command whose signal is aborted before it is sent', async () => {
    const controller = new AbortController();
    const aborted = errorOf(() => rig.call('aborted', { signal: controller.signal }));
    const other = rig.call('other');

    controller.abort();
    await nextTurn();
    rig.answer(0);

    expect(await aborted).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false, retrySafe: true });
    expect(await other).toBe(2);
    expect(readBlock(rig.sent[0]!).commands[0]).toEqual([127, ['aborted']]);
  });

  it('an abort after sending says that the command may be applied, and spares the block under construction', async () => {
    const controller = new AbortController();
    const aborted = errorOf(() => rig.call('aborted', { signal: controller.signal }));
    await nextTurn();
    const next = rig.call('next');

    controller.abort();
    await nextTurn();
    rig.answer(0);
    rig.answer(1);

    expect(await aborted).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: true, retrySafe: false });
    expect(await next).toBe(2);
    expect(readBlock(rig.sent[1]!).commands).toEqual([[0, ['next']]]);
  });

  it('an abort after the answer changes nothing', async () => {
    const controller = new AbortController();
    const call = rig.call(1, { signal: controller.signal });
    await nextTurn();
    rig.answer(0);

    await call;
    controller.abort();

    await expect(call).resolves.toBe(1);
  });

  it('refuses more calls than may wait, until there is room', async () => {
    rig = new Rig({ pendingMax: 2 });
    const calls = [rig.call(1), rig.call(2)];

    expect(await errorOf(() => rig.call(3))).toMatchObject({
      code: 'ERR_QUEUE_FULL',
      mayBeApplied: false,
      retrySafe: true,
    });
    expect(() => rig.lane.tell(add, [3])).toThrow(ConclaveError);
    await nextTurn();
    rig.answer(0);

    await Promise.all(calls);
    void rig.call(4).catch(() => {});
    expect(rig.lane.pending).toBe(1);
  });

  it('refuses more bytes than may wait, until there is room', async () => {
    rig = new Rig({ pendingBytesMax: 1_000_000, commandBytesMax: 1_000_000 });
    const large = 'x'.repeat(600_000);
    const calls = [rig.call(large), rig.call(large), rig.call('small')];

    expect(await errorOf(() => rig.call('smaller'))).toMatchObject({ code: 'ERR_QUEUE_FULL', mayBeApplied: false });
    await nextTurn();
    for (const at of [0, 1, 2]) rig.answer(at);
    await Promise.all(calls);

    const more = rig.call('there is room again');
    await nextTurn();
    rig.answer(3);
    await more;
  });

  it('goes on after calls that could not be encoded', async () => {
    const error = await errorOf(() => rig.call(() => 1));
    await nextTurn();
    expect(rig.sent).toHaveLength(0);

    const call = rig.call(1);
    await nextTurn();
    rig.answer(0);

    expect(error).toMatchObject({ code: 'ERR_NOT_ENCODABLE' });
    expect(await call).toBe(1);
    expect(rig.lane.pending).toBe(0);
  });

  it('ignores answers that nobody waits for, and answers that come twice', async () => {
    const call = rig.call(1);
    await nextTurn();

    rig.lane.settle({ session: sessionId(1), id: 99, count: 3, numbers: null, values: null, errors: null });
    rig.answer(0);
    rig.answer(0);

    expect(await call).toBe(1);
    expect(rig.lane.pending).toBe(0);
  });

  it('settles blocks in whatever order their answers come', async () => {
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 3; i++) {
      calls.push(rig.call(i));
      await nextTurn();
    }

    for (const position of [2, 0, 1]) rig.answer(position);

    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
  });

  it('fails one block that was sent, and no other', async () => {
    const first = errorOf(() => rig.call(1));
    await nextTurn();
    const second = rig.call(2);
    await nextTurn();

    rig.lane.failSent(
      () => new ConclaveError('ERR_NO_LEADER', 'none'),
      (id) => id === 1,
    );
    rig.answer(1);

    expect(await first).toMatchObject({ code: 'ERR_NO_LEADER' });
    expect(await second).toBe(2);
  });

  it('fails everything, telling apart what was sent', async () => {
    const sent = errorOf(() => rig.call(1));
    await nextTurn();
    rig.maySend = false;
    const unsent = errorOf(() => rig.call(2));
    rig.lane.tell(add, [3]);

    rig.lane.failAll((wasSent) => new ConclaveError('ERR_STOPPED', 'over', { mayBeApplied: wasSent }));

    expect(await sent).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: true });
    expect(await unsent).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
    expect(rig.lane.pending).toBe(0);
  });

  it('a query that was not answered has changed nothing, sent or not', async () => {
    rig = new Rig({ isQuery: true });
    const call = errorOf(() => rig.call(1));
    await nextTurn();

    rig.expireAt(DEFAULT_TIMEOUT_MS);

    expect(await call).toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: false, retrySafe: true });
  });

  it('a call of nothing is answered without running anything', async () => {
    const call = rig.lane.callNothing(add, ORDINARY_CALL);
    await nextTurn();
    rig.answer(0);

    expect(await call).toBe(1);
    expect(readBlock(rig.sent[0]!).commands).toEqual([[127, []]]);
  });

  it("keeps calls apart where one is made by a getter of the other one's arguments", async () => {
    const inner: Promise<unknown>[] = [];
    const outer = rig.call({
      get total() {
        if (inner.length === 0) inner.push(rig.call('inner'));
        return 5;
      },
    });
    await nextTurn();

    expect(rig.valuesIn(0)).toEqual(['inner', { total: 5 }]);
    rig.answer(0);
    expect(await Promise.all([...inner, outer])).toEqual([1, 2]);
  });

  it('keeps a call that a getter has made which throws then', async () => {
    let inner: Promise<unknown> | undefined;
    const outer = rig.call({
      get total() {
        inner ??= rig.call('inner');
        throw new Error('no total');
      },
    });
    expect((await errorOf(() => outer)).code).toBe('ERR_NOT_ENCODABLE');
    await nextTurn();

    expect(rig.valuesIn(0)).toEqual(['inner']);
    rig.answer(0);
    expect(await inner).toBe(1);
  });

  it('keeps a call whose arguments have a getter that sends all that waits', async () => {
    const first = rig.call('first');
    const outer = rig.call({
      get total() {
        rig.lane.flush();
        return 5;
      },
    });
    await nextTurn();

    expect(rig.sent.map((_, position) => rig.valuesIn(position))).toEqual([['first'], [{ total: 5 }]]);
    rig.answer(0);
    rig.answer(1);
    expect(await Promise.all([first, outer])).toEqual([1, 2]);
  });

  it('settles a call whose arguments have a getter that ends the lane, or aborts its signal', async () => {
    const controller = new AbortController();
    const aborting = {
      get total() {
        controller.abort();
        return 5;
      },
    };
    const ending = {
      get total() {
        rig.lane.failAll(() => new ConclaveError('ERR_STOPPED', 'over', { mayBeApplied: false }));
        return 5;
      },
    };

    const aborted = await errorOf(() => rig.call(aborting, { signal: controller.signal }));
    const ended = await errorOf(() => rig.call(ending));

    expect(aborted).toMatchObject({ code: 'ERR_ABORTED', mayBeApplied: false });
    expect(ended).toMatchObject({ code: 'ERR_STOPPED', mayBeApplied: false });
    expect(rig.lane.pending).toBe(0);
  });

  it('sends again what was told, in its order, where all nodes have refused it', async () => {
    const waited = errorOf(() => rig.call('waited'));
    rig.lane.tell(add, ['told']);
    await nextTurn();
    const alone = errorOf(() => rig.call('alone'));
    await nextTurn();
    rig.lane.tell(add, ['told later']);
    await nextTurn();
    rig.lane.tell(add, ['not sent']);
    await nextTurn();

    rig.lane.refuseSent(() => new ConclaveError('ERR_SESSION_EXPIRED', 'forgotten'));
    await nextTurn();

    expect([(await waited).code, (await alone).code]).toEqual(['ERR_SESSION_EXPIRED', 'ERR_SESSION_EXPIRED']);
    expect(rig.lane.pending).toBe(4);
    expect(rig.sent.slice(3).map((block) => readBlock(block).commands)).toEqual([
      [
        [CANCELLED_NAME, ['waited']],
        [expect.any(Number), ['told']],
      ],
      [[expect.any(Number), ['told later']]],
      [[expect.any(Number), ['not sent']]],
    ]);
    for (const position of [3, 4, 5]) rig.answer(position);
    expect(rig.lane.pending).toBe(0);
  });
});
