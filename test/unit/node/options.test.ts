import { describe, expect, it } from 'vitest';
import { checkOptions } from '../../../src/node/check-options.js';
import { since } from '../../../src/actors/replicated/object-definition.js';
import type { RuntimeOptions } from '../../../src/node/options.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { Ledger } from './fixtures/ledger.js';

const GOOD = { self: 'a:1', peers: ['b:2', 'c:3'], objects: { book: Ledger } };

const check = (options: object): ReturnType<typeof checkOptions> => checkOptions(options as RuntimeOptions);

const addresses = (count: number): string[] => Array.from({ length: count }, (_, i) => `peer:${i + 1}`);

const manyThreads = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`object ${i}`, `thread-${i}`]));

describe('checkOptions', () => {
  it('fills in what is left out', () => {
    expect(check(GOOD)).toMatchObject({
      self: 'a:1',
      peers: ['b:2', 'c:3'],
      cluster: 'conclave',
      bind: 'a:1',
      threads: true,
      electionTimeoutMs: [400, 800],
      heartbeatMs: 50,
      callTimeoutMs: 10_000,
      waitForLeader: true,
      limits: { pendingCommands: 100_000 },
      onReady: null,
      workerUrl: null,
    });
  });

  it('numbers the machines in the order in which their threads are named', () => {
    const placement = { y: 'second', book: 'first', x: 'second' };

    expect(check({ ...GOOD, classes: { Ledger }, placement }).placement).toEqual({
      threads: [null, 'second', 'first'],
      places: new Map(Object.entries({ y: 1, book: 2, x: 1 })),
    });
    expect(check(GOOD).placement).toEqual({ threads: [null], places: new Map() });
  });

  it('keeps heartbeats well within a short election timeout', () => {
    expect(check({ ...GOOD, electionTimeoutMs: [30, 60] }).heartbeatMs).toBe(10);
  });

  it.each([
    ['an unknown option', { fsink: true }, 'fsink', 'fsink'],
    ['an option in other letters', { heartbeatMS: 5 }, 'heartbeatMS', 'heartbeatMs'],
    ['a wait for a leader that is none', { waitForLeader: 1 }, 'waitForLeader', 'true or false'],
    ['an unknown limit', { limits: { pending: 5 } }, 'limits.pending', 'pendingCommands'],
    ['no self', { self: undefined }, 'self', 'undefined'],
    ['a self that is no string', { self: 4321 }, 'self', '4321'],
    ['a self without a port', { self: 'localhost' }, 'self', '"localhost"'],
    ['a self with a port that is too large', { self: 'localhost:70000' }, 'self', '"localhost:70000"'],
    ['a self with a bare IPv6 address', { self: '::1:4321' }, 'self', '"::1:4321"'],
    ['a bind that is no address', { bind: '0.0.0.0' }, 'bind', '"0.0.0.0"'],
    ['peers that are no list', { peers: 'b:2' }, 'peers', '"b:2"'],
    ['no peers', { peers: undefined }, 'peers', 'undefined'],
    ['a peer that is no string', { peers: ['b:2', 3] }, 'peers', "must be an array of strings 'host:port'. It is"],
    ['a peer that is no address', { peers: ['b:2', 'c'] }, 'peers', '"c"'],
    ['a peer twice', { peers: ['b:2', 'c:3', 'b:2'] }, 'peers', 'peers lists "b:2" twice'],
    ['itself among its peers', { peers: ['b:2', 'a:1'] }, 'peers', 'peers lists "a:1", which is this node'],
    ['more members than a quorum is checked for', { peers: addresses(15) }, 'peers', 'at most 15 members'],
    ['more members for an observer', { self: null, peers: addresses(16) }, 'peers', 'at most 15 members'],
    ['objects that are none', { objects: [Ledger] }, 'objects', 'the function Ledger'],
    ['a class twice', { classes: { Ledger, Later: since(1, Ledger) } }, 'classes', 'Ledger and Later'],
    ['a placement that is none', { placement: ['book'] }, 'placement', '["book"]'],
    ['an object placed that there is not', { placement: { bok: 'own' } }, 'placement.bok', 'there are book'],
    [
      'a name no object can have',
      { classes: { Ledger }, placement: { 'a.b': 'own' } },
      'placement.a.b',
      'none can have',
    ],
    ['a thread that has no name', { placement: { book: '' } }, 'placement.book', '1 to 32 letters'],
    ['a thread that is a number', { placement: { book: 1 } }, 'placement.book', '1 to 32 letters'],
    ['too many threads', { classes: { Ledger }, placement: manyThreads }, 'placement', 'may name 16'],
    ['a cluster without a name', { cluster: '' }, 'cluster', '""'],
    ['a cluster whose name is too long', { cluster: 'x'.repeat(129) }, 'cluster', 'xxx'],
    ['threads that are neither on nor off', { threads: 4 }, 'threads', '4'],
    ['ticks of a node on threads', { autoTick: false }, 'autoTick', 'needs threads: false'],
    ['ticks that are neither wanted nor not', { threads: false, autoTick: 'no' }, 'autoTick', '"no"'],
    ['an election timeout that is one number', { electionTimeoutMs: 400 }, 'electionTimeoutMs', '400'],
    ['an election timeout without a range', { electionTimeoutMs: [400, 400] }, 'electionTimeoutMs', '[400,400]'],
    ['an election timeout that is too short', { electionTimeoutMs: [5, 10] }, 'electionTimeoutMs', '5'],
    ['an election timeout that is no number', { electionTimeoutMs: ['400', '800'] }, 'electionTimeoutMs', '400'],
    ['heartbeats that are too rare', { heartbeatMs: 200 }, 'heartbeatMs', '200'],
    ['heartbeats that are too rare by little', { heartbeatMs: 133.4 }, 'heartbeatMs', 'from 1 to 133.33, a third of'],
    ['heartbeats that are NaN', { heartbeatMs: NaN }, 'heartbeatMs', 'NaN'],
    ['a call timeout of nothing', { callTimeoutMs: 0 }, 'callTimeoutMs', '0'],
    ['a limit that is out of range', { limits: { pendingCommands: 0 } }, 'limits.pendingCommands', '0'],
    ['a limit that is no whole number', { limits: { commandBytes: 100.5 } }, 'limits.commandBytes', '100.5'],
    ['limits that are none', { limits: 5 }, 'limits', '5'],
    ['a logger that cannot log', { logger: { info() {} } }, 'logger', 'debug'],
    ['an onReady that cannot be called', { onReady: true }, 'onReady', 'true'],
    ['a worker URL that is a string', { workerUrl: './entry.js' }, 'workerUrl', '"./entry.js"'],
  ])('refuses %s, naming it', async (_what, change, option, shown) => {
    const error = await errorOf(() => check({ ...GOOD, ...change }));

    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', mayBeApplied: false, data: { option } });
    expect(error.message).toContain(option.split('.')[0]);
    expect(error.message).toContain(shown);
  });

  it.each([null, undefined, 'a:1', 5])('refuses options that are none: %j', async (options) => {
    expect(await errorOf(() => checkOptions(options as never))).toMatchObject({ code: 'ERR_INVALID_OPTION' });
  });

  it('takes as many members as a quorum is checked for', () => {
    expect(check({ ...GOOD, peers: addresses(14) }).peers).toHaveLength(14);
    expect(check({ ...GOOD, self: null, peers: addresses(15) }).peers).toHaveLength(15);
  });

  it('takes IPv6 addresses, and a bind address of its own', () => {
    const options = check({ ...GOOD, self: '[::1]:4321', peers: ['[fe80::2]:1'], bind: '0.0.0.0:4321' });

    expect(options).toMatchObject({ self: '[::1]:4321', bind: '0.0.0.0:4321' });
  });

  it('takes an observer, which has no address and needs somebody to follow', async () => {
    expect(check({ ...GOOD, self: null })).toMatchObject({ self: null, bind: null });
    expect(await errorOf(() => check({ ...GOOD, self: null, peers: [] }))).toMatchObject({ data: { option: 'peers' } });
  });
});
