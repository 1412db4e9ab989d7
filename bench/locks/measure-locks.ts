/**
 * Measures locks: pairs of acquire and release, a lock that goes from hand to hand, one whose holder is killed, those
 * that are renewed by way of a sidecar; of Conclave, and of what users would take instead where that is installed. Runs
 * in the parent.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { withCluster, type Cluster } from '../cluster/cluster.js';
import type { NodeOperations } from '../cluster/node-operations.js';
import { withTemporaryDirectory } from '../cluster/temporary-directory.js';
import type { LoadResult } from '../load/closed-loop.js';
import type { LockRow } from '../matrix.js';
import type { Timing } from '../measure.js';
import { Child } from '../processes/child.js';
import type { LockOutcome, LockResult, ServiceOutcome } from '../results.js';
import type { HeartbeatOperations } from './heartbeat-process.js';
import type { HeartbeatsRequest, HeartbeatsResult } from './heartbeats.js';
import { nowUs, type Turn } from './lock-client.js';
import type { LockBenchOperations } from './lock-process.js';
import type { PeerOperations } from './peer-process.js';
import { findPeer, PEERS, withPeer, type Peer } from './peer-servers.js';
import { checkRefused, withSidecars } from './sidecars.js';

const NODE_SCRIPT = new URL('./lock-process.js', import.meta.url);
const PEER_SCRIPT = new URL('./peer-process.js', import.meta.url);
const HEARTBEAT_SCRIPT = new URL('./heartbeat-process.js', import.meta.url);
const ABOUT = 'three nodes, called on a follower; committed by two, an fdatasync on each';
const SIDECAR_ABOUT =
  'three of `conclave sidecar --backend raft --data-dir`, one of them asked over a connection for each holder; it answers from ' +
  'memory, and renews all of them by a command each third of its TTL';
const CALL_TIMEOUT_MS = 30_000;
const NAMES = 1_000;
/** Who waits comes so many at a time, now on this node, now on that one. */
const PLACES = 10;
const LOCK = 'one';
/** Until whoever is killed has long held, and others know. */
const SETTLE_MS = 500;

type LockCluster = Cluster<NodeOperations & LockBenchOperations>;

export async function measureLocks(row: LockRow, timing: Timing, rounds: number): Promise<LockOutcome> {
  const ours = await roundsOf(rounds, () => measureOurs(row, timing));
  const about = row.load === 'heartbeats' ? SIDECAR_ABOUT : ABOUT;
  const services: ServiceOutcome[] = [{ service: 'Conclave', about, ...ours }];
  if (row.load !== 'death') for (const peer of PEERS) services.push(await measurePeer(peer, row, timing, rounds));
  return { row, services };
}

async function measurePeer(peer: Peer, row: LockRow, timing: Timing, rounds: number): Promise<ServiceOutcome> {
  const found = findPeer(peer);
  if ('missing' in found) return { service: peer, skipped: `${found.missing} is not installed` };
  const round = (): Promise<LockResult> =>
    withTemporaryDirectory((directory) =>
      withPeer(peer, directory, async (servers) => {
        const child = new Child<PeerOperations>(`client of ${peer}`, PEER_SCRIPT);
        try {
          await child.call('connect', servers, CALL_TIMEOUT_MS);
          return await measureService(row, timing, {
            pairs: (request, timeoutMs) => child.call('pairs', request, timeoutMs),
            turns: (count) => child.call('turns', count, 10 * CALL_TIMEOUT_MS),
            heartbeats: (request, timeoutMs) => child.call('heartbeats', request, timeoutMs),
          });
        } finally {
          await child.kill();
        }
      }),
    );
  try {
    return { service: peer, about: found.about, ...(await roundsOf(rounds, round)) };
  } catch (error) {
    // Ours must not fail; what others do under this load is theirs to say.
    return { service: peer, skipped: `it failed: ${firstLine(error)}` };
  }
}

function measureOurs(row: LockRow, timing: Timing): Promise<LockResult> {
  return row.load === 'heartbeats' ? measureSidecar(row, timing) : measureCluster(row, timing);
}

function measureSidecar(row: LockRow, timing: Timing): Promise<LockResult> {
  return withTemporaryDirectory((directory) =>
    withSidecars(row.nodes, directory, async ([port, other]) => {
      const child = new Child<HeartbeatOperations>('the holders', HEARTBEAT_SCRIPT);
      try {
        const result = await measureHeartbeats(row, timing, (request, timeoutMs) =>
          child.call('heartbeats', { ...request, port: port! }, timeoutMs),
        );
        await checkRefused(other!, 'name0');
        return result;
      } finally {
        await child.kill();
      }
    }),
  );
}

function measureCluster(row: LockRow, timing: Timing): Promise<LockResult> {
  const settings = { nodes: row.nodes, threads: true, durable: row.durable };
  return withCluster(NODE_SCRIPT, settings, async (cluster: LockCluster) => {
    const { leader, follower } = await cluster.roles();
    if (row.load === 'death') return await measureDeath(cluster, leader, follower);
    const caller = cluster.nodes[follower]!;
    const result = await measureService(row, timing, {
      pairs: (request, timeoutMs) => caller.call('pairs', request, timeoutMs),
      turns: (count) => turnsOf(cluster, count),
      heartbeats: () => Promise.reject(new Error('Heartbeats are those of a sidecar.')),
    });
    await cluster.agreedState((node) => node.call('state', LOCK, CALL_TIMEOUT_MS));
    return result;
  });
}

interface Service {
  readonly pairs: (request: Parameters<LockBenchOperations['pairs']>[0], timeoutMs: number) => Promise<LoadResult>;
  readonly turns: (count: number) => Promise<readonly Turn[]>;
  readonly heartbeats: (request: HeartbeatsRequest, timeoutMs: number) => Promise<HeartbeatsResult>;
}

async function measureService(row: LockRow, timing: Timing, service: Service): Promise<LockResult> {
  const { pairs, turns, heartbeats } = service;
  if (row.load === 'turns') return handOversOf(await turns(row.window));
  if (row.load === 'heartbeats') return measureHeartbeats(row, timing, heartbeats);
  const { warmupMs, durationMs } = timing;
  const result = await pairs({ names: NAMES, window: row.window, ...timing }, warmupMs + durationMs + CALL_TIMEOUT_MS);
  const { timedCommands, commandsPerSecond, p50Ms, p99Ms, maxMs } = result;
  if (timedCommands === 0) throw new Error(`no pair finished within ${durationMs} ms`);
  return { perSecond: commandsPerSecond, p50Ms, p99Ms, maxMs, isInOrder: null };
}

async function measureHeartbeats(
  { window, callsPerSecond }: LockRow,
  timing: Timing,
  heartbeats: Service['heartbeats'],
): Promise<LockResult> {
  const timeoutMs = timing.warmupMs + timing.durationMs + 2 * CALL_TIMEOUT_MS;
  return { ...(await heartbeats({ names: NAMES, window, callsPerSecond, ...timing }, timeoutMs)), isInOrder: null };
}

/** Those who wait are on all nodes, in turn. */
async function turnsOf({ nodes }: LockCluster, count: number): Promise<readonly Turn[]> {
  await nodes[0]!.call('hold', LOCK, CALL_TIMEOUT_MS);
  for (let first = 0; first < count; first += PLACES) {
    const places = Array.from({ length: Math.min(PLACES, count - first) }, (_, index) => first + index);
    const node = nodes[(first / PLACES) % nodes.length]!;
    await node.call('queue', { name: LOCK, places, waiting: first + places.length }, CALL_TIMEOUT_MS);
  }
  await nodes[0]!.call('release', null, CALL_TIMEOUT_MS);
  const turns = await Promise.all(nodes.map((node) => node.call('turns', null, 10 * CALL_TIMEOUT_MS)));
  return turns.flat();
}

/** From when one begins to give it back to when the next one has it. */
function handOversOf(turns: readonly Turn[]): LockResult {
  const inOrder = turns.toSorted((a, b) => a.grantedAtUs - b.grantedAtUs);
  const tookMs = inOrder.slice(1).map(({ grantedAtUs }, index) => (grantedAtUs - inOrder[index]!.releasedAtUs) / 1000);
  const wholeUs = inOrder.at(-1)!.grantedAtUs - inOrder[0]!.grantedAtUs;
  const isInOrder = inOrder.every(({ place }, index) => place === index);
  return { perSecond: (tookMs.length / wholeUs) * 1e6, ...spreadOf(tookMs), isInOrder };
}

/** From when a follower's process, which holds, is killed to when one on the leader's node holds. */
async function measureDeath(cluster: LockCluster, leader: number, follower: number): Promise<LockResult> {
  await cluster.nodes[follower]!.call('hold', LOCK, CALL_TIMEOUT_MS);
  const granted = cluster.nodes[leader]!.call('grantedAt', LOCK, CALL_TIMEOUT_MS);
  await delay(SETTLE_MS);
  const killedAtUs = nowUs();
  await cluster.nodes[follower]!.kill();
  return { perSecond: null, ...spreadOf([((await granted) - killedAtUs) / 1000]), isInOrder: null };
}

function spreadOf(tookMs: readonly number[]): Pick<LockResult, 'p50Ms' | 'p99Ms' | 'maxMs'> {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1]!;
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0]!.replace(/\.$/, '');
}

/** The round with the median p50, and all of them. */
async function roundsOf(
  count: number,
  measure: () => Promise<LockResult>,
): Promise<{ readonly result: LockResult; readonly rounds: readonly LockResult[] }> {
  const rounds: LockResult[] = [];
  for (let round = 0; round < count; round++) rounds.push(await measure());
  const sorted = rounds.toSorted((a, b) => a.p50Ms - b.p50Ms);
  return { result: sorted[Math.floor((count - 1) / 2)]!, rounds };
}
