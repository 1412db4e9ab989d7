import { beforeEach, describe, expect, it } from 'vitest';
import { Machine } from '../../../../src/actors/replicated/machine.js';
import type { LoadedObject } from '../../../../src/actors/replicated/object-definition.js';
import { resultError, type ResultBlock } from '../../../../src/actors/replicated/results.js';
import { ValueCodec } from '../../../../src/actors/replicated/value-codec.js';
import { majorityConfiguration } from '../../../../src/actors/raft/configuration.js';
import { configurationContent } from '../../../../src/actors/raft/configuration-entry.js';
import { EntryKind } from '../../../../src/actors/raft/entry.js';
import { fromPlainError } from '../../../../src/errors.js';
import { nodeId } from '../../../../src/ids.js';
import { Journal } from './fixtures/journal.js';
import { block, blockOf, entriesOf, life, noop, session, type Command, type EntryLike } from './support/blocks.js';

const codec = new ValueCodec();
const METHODS: LoadedObject['methods'] = new Map([
  ['write', 'replicated'],
  ['writeAndThrow', 'replicated'],
  ['writeAndPromise', 'replicated'],
  ['writeContext', 'replicated'],
  ['writeAndRefuse', 'replicated'],
  ['keep', 'replicated'],
  ['read', 'query'],
  ['readContext', 'query'],
]);

const write = (line: string): Command => ['journal', 'write', line];

/** A machine with the entries that it is fed, one after another. */
class Rig {
  readonly journal = new Journal();
  readonly machine: Machine;
  readonly results: ResultBlock[] = [];
  #nextIndex = 1;

  constructor(sessionsMax = 10, others: readonly string[] = []) {
    const loaded = (name: string, instance: Journal): LoadedObject => {
      const { prototype } = Journal;
      return { name, instance, prototype, madeFields: [], methods: METHODS, commands: new Map(), since: 0 };
    };
    const objects = [loaded('journal', this.journal), ...others.map((name) => loaded(name, new Journal()))];
    this.machine = new Machine({ objects, classes: [], life: life('a'), sessionsMax, codec });
  }

  apply(...entries: EntryLike[]): void {
    this.machine.apply(entriesOf(this.#nextIndex, entries), this.results);
    this.#nextIndex += entries.length;
  }

  query(...commands: Command[]): ResultBlock {
    return this.machine.query(blockOf(0, 1, commands));
  }

  get lines(): string[] {
    return this.journal.read();
  }
}

function errorsOf(result: ResultBlock | undefined): Error[] {
  return (result?.errors ?? []).map(([, plain]) => fromPlainError(plain));
}

describe('Machine', () => {
  let rig: Rig;

  beforeEach(() => {
    rig = new Rig();
    rig.apply(noop, session(life('a')));
  });

  it('opens the session that its own life asked for, once', () => {
    expect(rig.machine.own).toEqual({ session: 2, nextSeq: 1, gap: false, expired: null });

    rig.apply(session(life('a')), session(life('b')));

    expect(rig.machine.own.session).toBe(2);
    expect(rig.machine.appliedIndex).toBe(4);
  });

  it('applies its own blocks and answers them', () => {
    rig.apply(block(blockOf(2, 1, [write('a'), write('b')])));

    expect(rig.lines).toEqual(['a', 'b']);
    expect(rig.results).toMatchObject([{ session: 2, id: 1, count: 2, numbers: new Float64Array([1, 2]) }]);
    expect(rig.machine.own.nextSeq).toBe(3);
  });

  it('applies the blocks of others, and answers nobody', () => {
    rig.apply(session(life('b')), block(blockOf(3, 1, [write('theirs')])));

    expect(rig.lines).toEqual(['theirs']);
    expect(rig.results).toEqual([]);
  });

  it('applies a block once, however often it comes', () => {
    const sent = block(blockOf(2, 1, [write('a')]));

    rig.apply(sent, sent, block(blockOf(2, 2, [write('b')])), sent);

    expect(rig.lines).toEqual(['a', 'b']);
    expect(rig.results.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('skips what follows a lost block and says so, then takes all when it is sent again', () => {
    const [first, second, third] = ['a', 'b', 'c'].map((line, i) => block(blockOf(2, i + 1, [write(line)])));

    rig.apply(first!, third!);
    expect(rig.machine.own.gap).toBe(true);
    rig.apply(second!, third!, third!);

    expect(rig.lines).toEqual(['a', 'b', 'c']);
    expect(rig.results.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('does not care about gaps of others', () => {
    rig.apply(session(life('b')), block(blockOf(3, 5, [write('too early')])));

    expect(rig.machine.own.gap).toBe(false);
    expect(rig.lines).toEqual([]);
  });

  it('refuses a session that was evicted for ever, and says so when it is its own', () => {
    rig = new Rig(1);
    rig.apply(session(life('a')), block(blockOf(1, 1, [write('a')])), session(life('b')));

    rig.apply(block(blockOf(1, 2, [write('b')])));

    expect(rig.machine.own).toMatchObject({ session: null, expired: 1 });
    expect(rig.lines).toEqual(['a']);
    rig.apply(session(life('a')), block(blockOf(5, 1, [write('c')])), block(blockOf(1, 3, [write('d')])));
    expect(rig.lines).toEqual(['a', 'c']);
    expect(rig.machine.own.session).toBe(5);
  });

  it('tells the command that has left behind what no snapshot can hold', () => {
    rig.apply(block(blockOf(2, 1, [write('a'), ['journal', 'keep']])), block(blockOf(2, 3, [write('b')])));

    expect(rig.results[0]!.errors).toMatchObject([
      [1, { code: 'ERR_STATE_NOT_ENCODABLE', mayBeApplied: true }, 'journal.keep'],
    ]);
    expect(fromPlainError(rig.results[0]!.errors![0]![1])).toMatchObject({
      message: expect.stringContaining('it, or one before it, has left that behind'),
      data: { object: 'journal', path: 'journal.lines[1].onDone' },
    });
    // It stays there, and so do the complaints.
    expect(rig.results[1]!.errors).toMatchObject([[0, { code: 'ERR_STATE_NOT_ENCODABLE' }, 'journal.write']]);
  });

  it.each([0, 41, 99])(
    'finds what no snapshot can hold in object %i of those that a block calls, and blames its command',
    (at) => {
      const others = Array.from({ length: 100 }, (_, i) => `journal${i}`);
      const many = new Rig(10, others);
      const calls = others.map((name): Command => [name, 'write', 'a']);
      many.apply(noop, session(life('a')), block(blockOf(2, 1, calls.with(at, [others[at]!, 'keep']))));

      for (let i = 1; i < 10; i++) many.apply(block(blockOf(2, 1 + 100 * i, calls)));

      const complaints = many.results.flatMap(({ errors }) => errors ?? []);
      expect(complaints.length).toBeGreaterThan(0);
      for (const [position, error, method] of complaints) {
        expect(position).toBe(at);
        expect(method).toMatch(new RegExp(`^journal${at}\\.`));
        expect(error).toMatchObject({ code: 'ERR_STATE_NOT_ENCODABLE' });
      }
    },
  );

  it('goes on as it was saved: sessions, members, and where it is in the log', () => {
    const { payload } = configurationContent(majorityConfiguration([nodeId('a:1'), nodeId('b:1')]));
    const admitted = { kind: EntryKind.configuration, payload: Uint8Array.from(payload).buffer };
    rig.apply(admitted, block(blockOf(2, 1, [write('a'), write('b')]), 77));
    const saved = rig.machine.save();
    const next = new Rig();

    next.machine.restore(saved);
    next.results.length = 0;
    next.machine.apply(
      entriesOf(5, [block(blockOf(2, 1, [write('again')])), block(blockOf(2, 3, [write('c')]))]),
      next.results,
    );

    expect(saved.lastIncluded).toEqual({ index: 4, term: 1, timestampMs: 77 });
    expect(saved.configuration).toEqual(payload);
    expect(next.machine.save().configuration).toEqual(payload);
    expect(next.machine.own).toMatchObject({ session: 2, nextSeq: 4 });
    expect(next.lines).toEqual(['c']);
    expect(next.results).toMatchObject([{ session: 2, id: 3 }]);
  });

  it('a command that throws is a result, and the log goes on', () => {
    rig.apply(block(blockOf(2, 1, [write('a'), ['journal', 'writeAndThrow', 'b'], write('c')])));

    expect(rig.lines).toEqual(['a', 'b', 'c']);
    expect(errorsOf(rig.results[0])).toMatchObject([{ name: 'RangeError', message: 'after b' }]);
    expect(rig.results[0]!.errors![0]![0]).toBe(1);
  });

  it('a command that throws an error of ours has run: what is thrown says nothing of that', () => {
    rig.apply(block(blockOf(2, 1, [['journal', 'writeAndRefuse', 'a']])));

    expect(rig.lines).toEqual(['a']);
    const [[, plain, method]] = rig.results[0]!.errors as [NonNullable<ResultBlock['errors']>[number]];
    expect(resultError(plain, method, false)).toMatchObject({
      code: 'ERR_COMMAND_THREW',
      message: 'after a',
      data: { method: 'journal.writeAndRefuse' },
      mayBeApplied: true,
      retrySafe: false,
      cause: { code: 'ERR_NO_LEADER' },
    });
  });

  it('a command that throws on behalf of another node goes unnoticed here', () => {
    const theirs = blockOf(3, 1, [['journal', 'writeAndThrow', 'x'], ['journal', 'writeAndPromise', 'y'], write('z')]);

    rig.apply(session(life('b')), block(theirs));

    expect(rig.lines).toEqual(['x', 'y', 'z']);
  });

  it('a command that returns a promise has run, and is refused as a result', () => {
    rig.apply(block(blockOf(2, 1, [['journal', 'writeAndPromise', 'a'], write('b')])));

    expect(rig.lines).toEqual(['a', 'b']);
    expect(errorsOf(rig.results[0])).toMatchObject([{ code: 'ERR_ASYNC_COMMAND', mayBeApplied: true }]);
  });

  it.each([
    ['an object that is not here', ['elsewhere', 'write', 'a']],
    ['a method that does not exist', ['journal', 'burn', 'a']],
    ['a method that is not marked', ['journal', 'constructor', 'a']],
    ['a query', ['journal', 'read']],
  ] as [string, Command][])('stops at a command of %s rather than skip it', (_what, command) => {
    const before = rig.machine.appliedIndex;

    expect(() => rig.apply(block(blockOf(2, 1, [write('a'), command, write('b')])))).toThrow(
      expect.objectContaining({
        code: 'ERR_VERSION_UNSUPPORTED',
        data: { method: `${command[0]}.${command[1]}`, codeVersion: 0, index: before + 1 },
      }),
    );
    expect(rig.machine.appliedIndex).toBe(before);
  });

  it('skips cancelled commands, and counts them all the same', () => {
    rig.apply(block(blockOf(2, 1, [write('a'), write('never'), write('b')], [1])));
    rig.apply(block(blockOf(2, 4, [write('c')])));

    expect(rig.lines).toEqual(['a', 'b', 'c']);
  });

  it('answers with an error, and runs nothing, when a block cannot be decoded', () => {
    const broken = blockOf(2, 1, [write('a'), write('b')]);
    new Uint8Array(broken).fill(0xc1, broken.byteLength - 4);

    rig.apply(block(broken), block(blockOf(2, 3, [write('c')])));

    expect(rig.lines).toEqual(['c']);
    expect(rig.results.map(({ id, count }) => [id, count])).toEqual([
      [1, 2],
      [3, 1],
    ]);
    expect(errorsOf(rig.results[0])).toMatchObject([
      { code: 'ERR_PROTOCOL', mayBeApplied: false },
      { code: 'ERR_PROTOCOL', mayBeApplied: false },
    ]);
  });

  it('passes over what is no block at all', () => {
    rig.apply(block(new ArrayBuffer(5)), block(blockOf(2, 1, [write('a')])));

    expect(rig.lines).toEqual(['a']);
    expect(rig.machine.appliedIndex).toBe(4);
  });

  it.each([NaN, 0.5, Infinity])('passes over a block whose sequence number is %s, and goes on counting', (firstSeq) => {
    rig.apply(block(blockOf(2, firstSeq, [write('forged')])));
    rig.apply(block(blockOf(2, 1, [write('a')])), block(blockOf(2, 1, [write('a')])));

    expect(rig.lines).toEqual(['a']);
  });

  it('refuses entries that do not follow those before', () => {
    expect(() => rig.machine.apply(entriesOf(7, [noop]), [])).toThrow('entries are applied in order');
    expect(() => rig.machine.apply(entriesOf(2, [noop]), [])).toThrow('entries are applied in order');
  });

  it('tells commands of their entry, alike on every node', () => {
    const other = new Rig();
    other.apply(noop, session(life('a')));
    const entry = block(
      blockOf(2, 1, [
        ['journal', 'writeContext'],
        ['journal', 'writeContext'],
      ]),
      1_234,
    );

    rig.apply(entry);
    other.apply(entry);

    const [first, second] = codec.decode(rig.results[0]!.values!) as {
      index: number;
      timestampMs: number;
      random: number;
    }[];
    expect(first).toMatchObject({ index: 3, timestampMs: 1_234 });
    expect(first!.random).not.toBe(second!.random);
    expect(other.lines).toEqual(rig.lines);
  });

  it('answers queries, which change nothing in the log', () => {
    rig.apply(block(blockOf(2, 1, [write('a')])));

    const result = rig.query(['journal', 'read']);

    expect(codec.decode(result.values!)).toEqual([['a']]);
    expect(rig.machine).toMatchObject({ appliedIndex: 3, own: { nextSeq: 2 } });
  });

  it('never runs a command as a query', () => {
    const [[, plain, method]] = rig.query(write('sneaked in')).errors as [NonNullable<ResultBlock['errors']>[number]];

    expect(rig.lines).toEqual([]);
    expect(resultError(plain, method, true)).toMatchObject({ code: 'ERR_UNKNOWN_METHOD', mayBeApplied: false });
  });

  it('gives queries no context, not even after a command that threw', () => {
    rig.apply(block(blockOf(2, 1, [['journal', 'writeAndThrow', 'a']])));

    expect(errorsOf(rig.query(['journal', 'readContext']))).toMatchObject([{ code: 'ERR_NO_CONTEXT' }]);
  });
});
