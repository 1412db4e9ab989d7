/** Figures that come from all threads of a node, and what is left of them when one ends or hangs. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metrics } from 'conclave/metrics';
import { LocalCluster } from 'conclave/testing';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as Hazards from './fixtures/hazard.js';

// Compiled, for a worker cannot load TypeScript.
const { Hazard } = (await import(
  new URL('../../build/test/threads/fixtures/hazard.js', import.meta.url).href
)) as typeof Hazards;

const WAIT = { timeout: 10_000, interval: 20 };
const THREADS = ['main', 'consensus', 'storage', 'object'];

describe('the metrics of a node on threads', () => {
  let directory: string;
  let cluster: LocalCluster<{ readonly hazard: typeof Hazards.Hazard }>;
  let register: Registry;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'conclave-'));
    cluster = await LocalCluster.start({ nodes: 1, threads: true, objects: { hazard: Hazard }, dataDir: directory });
    await cluster.ready();
    register = new Registry();
    metrics(cluster.nodes[0]!, { register });
  });

  afterEach(async () => {
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** The samples of one scrape, by name and labels. */
  async function scrape(): Promise<Map<string, number>> {
    const lines = (await register.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
  }

  it('are of all threads', async () => {
    await cluster.nodes[0]!.objects.hazard.append('a');
    await scrape();

    const samples = await scrape();

    for (const thread of THREADS) {
      expect(samples.get(`conclave_thread_up{thread="${thread}"}`)).toBe(1);
      expect(samples.has(`conclave_event_loop_lag_p99_seconds{thread="${thread}"}`)).toBe(true);
      expect(samples.get(`conclave_event_loop_utilization_ratio{thread="${thread}"}`)).toBeLessThanOrEqual(1);
    }
    expect(samples.has('conclave_mailbox_messages{thread="storage",actor="log-store"}')).toBe(true);
    expect(samples.get('conclave_commands_applied_total')).toBe(1);
    expect(samples.get('conclave_elections_won_total')).toBe(1);
    expect(samples.get('conclave_log_disk_bytes')).toBeGreaterThan(0);
  });

  it('tell of a thread that hangs, and are there all the same', async () => {
    const blocked = cluster.nodes[0]!.objects.hazard.block(3_000);

    const hanging = await vi.waitFor(async () => {
      const samples = await scrape();
      expect(samples.get('conclave_thread_up{thread="object"}')).toBe(0);
      // The objects may have answered before they hang, and their thread not.
      expect(samples.has('conclave_commands_applied_total')).toBe(false);
      return samples;
    }, WAIT);
    expect(hanging.get('conclave_thread_up{thread="consensus"}')).toBe(1);
    expect(hanging.get('conclave_commands_pending')).toBe(1);

    await blocked;
    await vi.waitFor(async () => {
      const samples = await scrape();
      expect(samples.get('conclave_thread_up{thread="object"}')).toBe(1);
      expect(samples.get('conclave_commands_applied_total')).toBe(1);
    }, WAIT);
  });

  it('tell of a thread that has ended', async () => {
    const [node] = cluster.nodes;
    const failed = new Promise((resolve) => node!.once('objects', resolve));
    node!.objects.hazard.tell.exitAlways();
    await failed;

    const samples = await scrape();

    expect(samples.get('conclave_thread_up{thread="object"}')).toBe(0);
    expect(samples.get('conclave_health{health="object failed"}')).toBe(1);
    await vi.waitFor(() => expect(node!.status().health).toBe('thread dead'), WAIT);
    expect((await scrape()).get('conclave_health{health="thread dead"}')).toBe(1);
  });
});
