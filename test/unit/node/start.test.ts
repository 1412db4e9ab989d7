import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../src/errors.js';
import { Runtime } from '../../../src/node/runtime.js';
import type { RuntimeOptions } from '../../../src/node/options.js';
import { freePorts, LOOPBACK } from '../../../src/testing/free-ports.js';
import { errorOf } from '../actors/replicated/error-of.js';
import {
  Callback,
  hiddenClass,
  NothingMarked,
  OverriddenByAsync,
  PrivateState,
  ThrowsWhenMade,
} from '../actors/replicated/fixtures/accounts.js';
import { Ledger } from './fixtures/ledger.js';

class Homeless {
  get(): number {
    return 1;
  }
}

type Objects = { readonly book: typeof Ledger };

describe('Runtime.start, inline over TCP', () => {
  const started: Runtime[] = [];
  let server: Server | undefined;

  afterEach(async () => {
    await Promise.all(started.splice(0).map((runtime) => runtime.stop()));
    server?.close();
    server = undefined;
  });

  async function start(
    options: Partial<RuntimeOptions<Objects>> & { readonly self: string },
  ): Promise<Runtime<Objects>> {
    const runtime = await Runtime.start({ peers: [], objects: { book: Ledger }, threads: false, ...options });
    started.push(runtime);
    return runtime;
  }

  const addresses = async (count: number): Promise<string[]> =>
    (await freePorts(count)).map((port) => `${LOOPBACK}:${port}`);

  it('starts a node that serves, and frees its port when it is stopped', async () => {
    const [self] = await addresses(1);
    const first = await start({ self: self! });
    await first.ready();
    expect(await first.objects.book.add(1)).toBe(1);

    await first.stop();

    const second = await start({ self: self! });
    await second.ready();
    expect(await second.objects.book.sum()).toBe(0);
  });

  it('calls onReady once', async () => {
    const [self] = await addresses(1);
    let calls = 0;

    const node = await start({ self: self!, onReady: () => calls++ });
    await node.ready();
    await node.ready();

    expect(calls).toBe(1);
  });

  it('reports a port that is taken, naming it', async () => {
    server = createServer().listen(0, LOOPBACK);
    await once(server, 'listening');
    const self = `${LOOPBACK}:${(server.address() as AddressInfo).port}`;

    const error = await errorOf(() => start({ self }));

    expect(error).toMatchObject({ code: 'ERR_ADDRESS_UNAVAILABLE', mayBeApplied: false, retrySafe: true });
    expect(error.message).toContain(self);
  });

  it.each([
    ['a class that its module does not export', hiddenClass(), 'ERR_INVALID_OBJECT', /export/],
    ['a class without a module', Homeless, 'ERR_INVALID_OBJECT', /module/],
    ['a class with #private state', PrivateState, 'ERR_INVALID_OBJECT', /_?balance/],
    ['a class with an async method', OverriddenByAsync, 'ERR_INVALID_OBJECT', /async/],
    ['a class without marked methods', NothingMarked, 'ERR_INVALID_OBJECT', /@replicated/],
    ['a class whose constructor throws', ThrowsWhenMade, 'ERR_INVALID_OBJECT', /not today/],
    ['arguments that cannot be encoded', { class: Ledger, args: [() => 1] }, 'ERR_NOT_ENCODABLE', /args\[0\]/],
    ['a name with a dot', undefined, 'ERR_INVALID_OPTION', /a\.b/],
  ] as [string, unknown, ErrorCode, RegExp][])('refuses %s', async (_what, definition, code, complaint) => {
    const objects = (definition === undefined ? { 'a.b': Ledger } : { it: definition }) as never;
    const [self] = await addresses(1);

    const error = await errorOf(() => Runtime.start({ self: self!, peers: [], objects, threads: false }));

    expect(error.code).toBe(code);
    expect(error.message).toMatch(complaint);
    // Nothing of it is left: the address can be used.
    await start({ self: self! });
  });

  it.each([
    ['a directory that is none', { dataDir: import.meta.filename }, 'ERR_STORAGE'],
    ['a state that no snapshot can hold', { objects: { it: Callback } }, 'ERR_STATE_NOT_ENCODABLE'],
  ] as [string, object, ErrorCode][])('refuses %s, and says that nothing was applied', async (_what, options, code) => {
    const [self] = await addresses(1);
    const good = { self: self!, peers: [], objects: { book: Ledger }, threads: false };

    const error = await errorOf(() => Runtime.start({ ...good, ...options }));

    expect(error).toMatchObject({ code, mayBeApplied: false });
  });

  it('nodes of different clusters never agree on anything', async () => {
    const [a, b] = await addresses(2);
    const QUICK = { electionTimeoutMs: [60, 120], heartbeatMs: 15, callTimeoutMs: 300 } as const;
    const warnings: string[] = [];
    const log = (_details: object, message: string): void => void warnings.push(message);
    const logger = { debug: log, info: log, warn: log, error: log };

    const first = await start({ self: a!, peers: [b!], cluster: 'one', ...QUICK, logger });
    const second = await start({ self: b!, peers: [a!], cluster: 'other', ...QUICK });

    expect(await errorOf(() => first.objects.book.add(1))).toMatchObject({
      code: 'ERR_NO_LEADER',
      mayBeApplied: false,
    });
    expect(await errorOf(() => second.objects.book.sum())).toMatchObject({ code: 'ERR_NO_LEADER' });
    expect(first.status()).toMatchObject({ leader: null, members: [{ connected: a! < b! }, { connected: a! > b! }] });
    expect(warnings.length).toBeGreaterThan(0);
  });

  it('an observer follows and serves, and never votes', async () => {
    const [a] = await addresses(1);
    const member = await start({ self: a! });
    await member.ready();
    const observer = await Runtime.start({ self: null, peers: [a!], objects: { book: Ledger }, threads: false });
    started.push(observer);

    await observer.ready();

    expect(await observer.objects.book.add(4)).toBe(4);
    expect(await member.objects.book.sum()).toBe(4);
    expect(observer.status()).toMatchObject({ self: null, role: 'follower', leader: a });
    expect(await errorOf(() => observer.transferLeadership())).toMatchObject({ code: 'ERR_TRANSFER_FAILED' });
  });
});
