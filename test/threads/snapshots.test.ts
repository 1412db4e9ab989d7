/**
 * Snapshots where they are taken in production: by a worker of their own, while consensus, objects and caller go on.
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Runtime } from 'conclave';
import { LocalCluster } from 'conclave/testing';
import { freePorts, LOOPBACK } from '../../dist/testing/free-ports.js';
import type * as Hazards from './fixtures/hazard.js';

// Compiled, for a worker cannot load TypeScript.
const hazards = new URL('../../build/test/threads/fixtures/hazard.js', import.meta.url).href;
const { Hazard } = (await import(hazards)) as typeof Hazards;

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

describe('on threads', () => {
  it('objects whose thread has ended go on from the snapshot, for the log before it is gone', async () => {
    const cluster = await LocalCluster.start({ objects: { hazard: Hazard }, threads: true });
    onTestFinished(() => cluster.stop());
    await cluster.ready();
    const leader = await cluster.leader();
    await Promise.all(Array.from({ length: 500 }, (_, n) => leader.objects.hazard.append(`a${n}`)));
    const indexes = [await leader.compact(), 0];
    await leader.objects.hazard.append('b');
    indexes[1] = await leader.compact();
    await leader.objects.hazard.append('c');

    const marker = join(temporaryDirectory(), 'marker');
    const count = await leader.objects.hazard.with({ timeoutMs: 30_000 }).appendAndExitOnce('d', marker);

    expect(indexes[1]).toBeGreaterThan(indexes[0]!);
    expect(count).toBe(503);
    await vi.waitUntil(() => leader.status().health === 'ok', { timeout: 10_000 });
    const all = await leader.objects.hazard.all();
    expect([all.length, ...all.slice(-3)]).toEqual([503, 'b', 'c', 'd']);
  });

  it('a node goes on from its directory, and ends with nothing left open', async () => {
    const dataDir = temporaryDirectory();
    const [port] = (await freePorts(1)) as [number];
    const options = { self: `${LOOPBACK}:${port}`, peers: [], objects: { hazard: Hazard }, dataDir };
    const first = await Runtime.start(options);
    await first.ready();
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => first.objects.hazard.append(`a${n}`)));
    await first.compact();
    await first.objects.hazard.append('last');
    await first.stop();
    expect(readdirSync(join(dataDir, 'snapshots'))).toHaveLength(1);

    const again = await Runtime.start(options);
    onTestFinished(() => again.stop());
    await again.ready();

    const all = await again.objects.hazard.all();
    expect([all.length, all.at(-1)]).toEqual([2_001, 'last']);
    expect(again.status().snapshotIndex).toBeGreaterThan(0);
  });

  it('a snapshot under way does not keep a node from stopping', async () => {
    const [port] = (await freePorts(1)) as [number];
    const node = await Runtime.start({ self: `${LOOPBACK}:${port}`, peers: [], objects: { hazard: Hazard } });
    await node.ready();
    await Promise.all(Array.from({ length: 20_000 }, (_, n) => node.objects.hazard.append(`a${n}`)));

    const compaction = node.compact().then(
      () => 'taken',
      (error: unknown) => (error as { code?: string }).code,
    );
    await node.stop();

    expect(['taken', 'ERR_STOPPED']).toContain(await compaction);
  });
});
