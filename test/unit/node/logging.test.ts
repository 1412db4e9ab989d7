/** What a node logs through a logger of its user's: whose line it is, how bad it is, and never what is in commands. */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { pino } from 'pino';
import type { UserLogger } from '../../../src/node/node-logger.js';
import { nodeLogger } from '../../../src/node/node-logger.js';
import { LocalCluster, type LocalClusterOptions } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { RecordingLogger } from '../net/support/recorder.js';
import { Secretive } from './fixtures/secretive.js';

const SECRET = 'hunter2';

type Objects = { readonly vault: typeof Secretive };
let cluster: LocalCluster<Objects> | undefined;

afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
});

async function start(options: Partial<LocalClusterOptions<Objects>>): Promise<LocalCluster<Objects>> {
  cluster = await LocalCluster.start({ nodes: 1, objects: { vault: Secretive }, ...options });
  await cluster.ready();
  return cluster;
}

describe('the logger of a node', () => {
  it('may be one of pino: each line says which node it is of, and how bad it is', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });

    const { nodes } = await start({ logger });
    // A moment after it is ready.
    await vi.waitFor(() => expect(nodes[0]!.status().health).toBe('ok'));
    await cluster!.stop();

    const told = lines.map((line) => JSON.parse(line) as { level: number; node: string; msg: string });
    expect(new Set(told.map(({ node }) => node))).toEqual(new Set([nodes[0]!.status().self]));
    expect(told).toContainEqual(expect.objectContaining({ level: 30, msg: 'the node has started', threads: false }));
    expect(told).toContainEqual(expect.objectContaining({ level: 30, msg: 'health changed', health: 'ok' }));
    expect(told.at(-1)).toMatchObject({ msg: 'health changed', health: 'stopped' });
  });

  it('is told nothing of what is in commands, results, states and errors', async () => {
    const lines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    const { nodes } = await start({ logger, snapshot: { verify: true } });
    const [node] = nodes;
    const { vault } = node!.objects;

    const errors = [
      await errorOf(() => vault.throwIt(SECRET)),
      await errorOf(() => vault.throwInParsing(SECRET)),
      await errorOf(() => vault.reveal(SECRET)),
    ];
    await vault.keep(SECRET);
    errors.push(await errorOf(() => node!.compact()));

    expect(errors.map(({ code }) => code)).toEqual([...Array(3).fill('ERR_COMMAND_THREW'), 'ERR_COMPACTION_FAILED']);
    const log = lines.join('');
    expect(log).toContain('a snapshot could not be taken');
    expect(log).toContain('secretive.ts');
    expect(log).not.toContain(SECRET);
  });

  it('is silent where there is none', async () => {
    const written = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];

    await start({});
    await errorOf(() => cluster!.nodes[0]!.objects.vault.throwIt(SECRET));
    await cluster!.stop();

    const texts = written.flatMap((spy) => spy.mock.calls.map(([text]) => String(text)));
    for (const spy of written) spy.mockRestore();
    expect(texts).toEqual([]);
  });

  it('need not have children, nor the first and the last level', () => {
    const lines: unknown[] = [];
    const line = (details: object, message: string): unknown => lines.push({ ...details, message });
    const { trace, error, fatal } = nodeLogger({ debug: line, info: line, warn: line, error: line }, 'a:1');

    trace({}, 'left out');
    error({ index: 7 }, 'bad');
    fatal({}, 'worst');

    expect(lines).toEqual([
      { node: 'a:1', index: 7, message: 'bad' },
      { node: 'a:1', message: 'worst' },
    ]);
  });

  it('gets an error that comes from another thread as an error', () => {
    const logger = new RecordingLogger();
    const errors: unknown[] = [];
    logger.error = ({ err }: { err?: unknown }) => void errors.push(err);

    nodeLogger(logger, 'a:1').error({ error: { name: 'ConclaveError', code: 'ERR_STORAGE', message: 'full' } }, 'bad');

    expect(errors).toMatchObject([{ code: 'ERR_STORAGE', message: 'full' }]);
    expect(errors[0]).toBeInstanceOf(Error);
  });

  it('does not take its node along when it throws', async () => {
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error));
    const fail = (): never => {
      throw new Error('of the logger');
    };
    const logger: UserLogger = { debug: fail, info: fail, warn: fail, error: fail };

    await start({ logger });
    await cluster!.nodes[0]!.objects.vault.keep('');

    await cluster!.stop();
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(thrown.length).toBeGreaterThan(0);
  });
});
