/** Nodes that are scraped: through a real registry of prom-client, on one event loop. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { Registry } from 'prom-client';
import { metrics } from '../../../src/metrics/metrics.js';
import { METRICS } from '../../../src/metrics/metric-table.js';
import { Runtime } from '../../../src/node/runtime.js';
import { freePorts, LOOPBACK } from '../../../src/testing/free-ports.js';
import { LocalCluster, type LocalClusterOptions } from '../../../src/testing/local-cluster.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { Ledger } from './fixtures/ledger.js';

type Objects = { readonly book: typeof Ledger };
let cluster: LocalCluster<Objects> | undefined;

afterEach(() => cluster?.stop());

async function startReady(options: Partial<LocalClusterOptions<Objects>> = {}): Promise<LocalCluster<Objects>> {
  cluster = await LocalCluster.start({ objects: { book: Ledger }, ...options });
  await cluster.ready();
  return cluster;
}

/** The samples of one scrape, by name and labels. */
async function scrape(register: Registry): Promise<Map<string, number>> {
  const lines = (await register.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('the metrics of a node', () => {
  it('count what was called and applied, what failed and why, and for how long it took', async () => {
    const { nodes } = await startReady();
    const leader = await cluster!.leader();
    const follower = nodes.find((node) => node !== leader)!;
    const [ofLeader, ofFollower] = [new Registry(), new Registry()];
    metrics(leader, { register: ofLeader });
    metrics(follower, { register: ofFollower });

    await Promise.all(Array.from({ length: 100 }, () => leader.objects.book.add(1)));
    await errorOf(() => leader.objects.book.addAndThrow(1));
    await leader.objects.book.with({ consistency: 'lease' }).sum();
    await cluster!.converged();
    const [onLeader, onFollower] = await Promise.all([scrape(ofLeader), scrape(ofFollower)]);

    expect(onLeader.get('conclave_commands_submitted_total')).toBe(101);
    expect(onLeader.get('conclave_commands_failed_total{code="ERR_COMMAND_THREW"}')).toBe(1);
    expect(onLeader.get('conclave_commands_pending')).toBe(0);
    expect(onLeader.get('conclave_command_duration_seconds_count')).toBe(101);
    expect(onLeader.get('conclave_command_duration_seconds_bucket{le="+Inf"}')).toBe(101);
    expect(onLeader.get('conclave_query_duration_seconds_count{consistency="lease"}')).toBe(1);
    expect(onFollower.get('conclave_commands_submitted_total')).toBe(0);
    for (const each of [onLeader, onFollower]) {
      expect(each.get('conclave_commands_applied_total')).toBe(101);
      expect(each.get('conclave_commands_threw_total')).toBe(1);
    }
  });

  it('tell role, term and health, and on the leader how far the others are', async () => {
    await startReady();
    const leader = await cluster!.leader();
    const register = new Registry();
    metrics(leader, { register });
    await leader.objects.book.add(1);
    await cluster!.converged();

    const samples = await scrape(register);

    const { term, members, self } = leader.status();
    expect(samples.get('conclave_role{role="leader"}')).toBe(1);
    expect(samples.get('conclave_role{role="follower"}')).toBe(0);
    expect(samples.get('conclave_health{health="ok"}')).toBe(1);
    expect(samples.get('conclave_health{health="no quorum"}')).toBe(0);
    expect(samples.get('conclave_term')).toBe(term);
    expect(samples.get('conclave_elections_started_total')).toBeGreaterThanOrEqual(1);
    expect(samples.get('conclave_elections_won_total')).toBe(1);
    expect(samples.get('conclave_leader_changes_total')).toBeGreaterThanOrEqual(1);
    for (const { id } of members) {
      expect(samples.get(`conclave_peer_connected{peer="${id}"}`)).toBe(id === self ? undefined : 1);
      expect(samples.has(`conclave_peer_lag_entries{peer="${id}"}`)).toBe(id !== self);
    }
  });

  it('tell the size of log and snapshots, on disk as well', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'conclave-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const { nodes } = await startReady({ nodes: 1, dataDir });
    const register = new Registry();
    metrics(nodes[0]!, { register });
    await nodes[0]!.objects.book.add(1);
    const before = await scrape(register);

    await nodes[0]!.compact();
    const after = await scrape(register);

    expect(before.get('conclave_log_disk_bytes')).toBeGreaterThan(1024);
    expect(before.get('conclave_log_memory_bytes')).toBeGreaterThan(0);
    expect(before.get('conclave_snapshot_bytes')).toBe(0);
    expect(before.has('conclave_snapshot_last_duration_seconds')).toBe(false);
    expect(after.get('conclave_snapshots_taken_total')).toBe(1);
    expect(after.get('conclave_snapshot_bytes')).toBeGreaterThan(0);
    expect(after.get('conclave_snapshot_last_duration_seconds')).toBeGreaterThan(0);
  });

  it('tell how busy the one thread is, and what waits in the mailboxes', async () => {
    const { nodes } = await startReady({ nodes: 1 });
    const register = new Registry();
    metrics(nodes[0]!, { register });
    await scrape(register);

    // What happens right after a scrape may go by unnoticed: the loop is watched from its next timer on.
    let samples: Map<string, number>;
    do {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const untilMs = performance.now() + 60;
      while (performance.now() < untilMs);
      await new Promise((resolve) => setTimeout(resolve, 20));
      samples = await scrape(register);
    } while (samples.get('conclave_event_loop_lag_max_seconds{thread="main"}')! < 0.03);

    expect(samples.get('conclave_thread_up{thread="main"}')).toBe(1);
    expect(samples.get('conclave_event_loop_utilization_ratio{thread="main"}')).toBeGreaterThan(0);
    expect(samples.get('conclave_event_loop_lag_p99_seconds{thread="main"}')).toBeLessThan(1);
    expect(samples.get('conclave_mailbox_messages{thread="main",actor="raft"}')).toBeGreaterThanOrEqual(0);
  });

  it('are all that the table says and no others, with the labels that it says', async () => {
    const { nodes } = await startReady();
    const register = new Registry();
    metrics(await cluster!.leader(), { register });
    await errorOf(() => nodes[0]!.objects.book.addAndThrow(1));

    const told = await register.getMetricsAsJSON();

    expect(told.map(({ name, type, help }) => ({ name, type, help }))).toEqual(
      METRICS.map(({ name, type, help }) => ({ name, type, help })),
    );
    for (const { name, values } of told) {
      const { labels } = METRICS.find((metric) => metric.name === name)!;
      for (const value of values as { labels: object }[]) {
        expect(Object.keys(value.labels).filter((label) => label !== 'le')).toEqual(labels);
      }
    }
  });

  it('are answered by a node that has stopped, from what is still known', async () => {
    const { nodes } = await startReady({ nodes: 1 });
    const register = new Registry();
    metrics(nodes[0]!, { register });
    await nodes[0]!.objects.book.add(1);

    await nodes[0]!.stop();
    const samples = await scrape(register);

    expect(samples.get('conclave_health{health="stopped"}')).toBe(1);
    expect(samples.get('conclave_commands_submitted_total')).toBe(1);
    expect(samples.has('conclave_commands_applied_total')).toBe(false);
  });

  it('are answered by a node that nobody ticks, within seconds, and in full once somebody does', async () => {
    const [port] = (await freePorts(1)) as [number];
    const unticked = await Runtime.start({
      self: `${LOOPBACK}:${port}`,
      peers: [],
      objects: { book: Ledger },
      threads: false,
      autoTick: false,
    });
    onTestFinished(() => unticked.stop());
    const register = new Registry();
    metrics(unticked, { register });

    const standing = await scrape(register);
    const again = scrape(register);
    unticked.tick();
    const ticked = await again;

    expect(standing.get('conclave_thread_up{thread="main"}')).toBe(1);
    expect(standing.has('conclave_commands_applied_total')).toBe(false);
    expect(ticked.get('conclave_commands_applied_total')).toBe(0);
  });

  it('can be taken out again, and put in again', async () => {
    const { nodes } = await startReady({ nodes: 1 });
    const register = new Registry();

    const remove = metrics(nodes[0]!, { register });
    const second = await errorOf(() => metrics(nodes[0]!, { register }));
    remove();
    const without = await register.metrics();
    metrics(nodes[0]!, { register });

    expect(second).toMatchObject({ code: 'ERR_INVALID_OPTION', data: { option: 'register' } });
    expect(without.trim()).toBe('');
    expect(await register.metrics()).toContain('conclave_term');
  });

  it.each([
    ['no registry', {}, 'register'],
    ['something else', { register: new Map() }, 'register'],
    ['nothing', undefined, 'register'],
  ])('say what is to be installed when they are given %s', async (_, options, option) => {
    const { nodes } = await startReady({ nodes: 1 });

    const error = await errorOf(() => metrics(nodes[0]!, options as never));

    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', data: { option } });
    expect(error.message).toContain('npm install prom-client');
  });

  it('are of a runtime only', async () => {
    const error = await errorOf(() => metrics({} as never, { register: new Registry() }));

    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', data: { option: 'runtime' } });
  });
});
