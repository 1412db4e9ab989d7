/**
 * Servers of what users would take instead, as far as they are installed: three of each on free ports of this machine,
 * with their data in a temporary directory. Runs in the parent.
 */

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { freePorts } from '../processes/free-ports.js';
import { isListening, withServers } from '../processes/servers.js';

export const PEERS = ['etcd', 'redis, appendfsync always', 'redis, appendfsync everysec'] as const;
export type Peer = (typeof PEERS)[number];

const SERVERS = 3;

interface Kind {
  readonly program: string;
  /** Its client first. */
  readonly packages: readonly ['etcd3'] | readonly ['redlock', 'ioredis'];
  /** What it does before it acknowledges. */
  readonly durability: string;
}

const KINDS: Readonly<Record<Peer, Kind>> = {
  etcd: { program: 'etcd', packages: ['etcd3'], durability: 'committed by two of three, an fsync on each' },
  'redis, appendfsync always': {
    program: 'redis-server',
    packages: ['redlock', 'ioredis'],
    durability: 'three that know nothing of each other, two must agree; each syncs first',
  },
  'redis, appendfsync everysec': {
    program: 'redis-server',
    packages: ['redlock', 'ioredis'],
    durability: 'three that know nothing of each other, two must agree; the last second may be lost with the machine',
  },
};

export interface PeerServers {
  readonly client: 'etcd3' | 'redlock';
  /** Of clients. */
  readonly ports: readonly number[];
}

/** What it is, with its version and that of the package; or what is missing. */
export function findPeer(peer: Peer): { readonly about: string } | { readonly missing: string } {
  const { program, packages, durability } = KINDS[peer];
  const load = createRequire(import.meta.url);
  const versions: string[] = [];
  for (const name of packages) {
    try {
      versions.push(`${name} ${(load(`${name}/package.json`) as { readonly version: string }).version}`);
    } catch {
      return { missing: `the package ${name}` };
    }
  }
  try {
    const said = execFileSync(program, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const version = /\d+\.\d+\.\d+/.exec(said)?.[0] ?? 'of an unknown version';
    return { about: `three of ${program} ${version} with ${versions.join(', ')}; ${durability}` };
  } catch {
    return { missing: `the program ${program}` };
  }
}

/** Runs `use` while three servers run, which store in `directory`. */
export async function withPeer<Result>(
  peer: Peer,
  directory: string,
  use: (servers: PeerServers) => Promise<Result>,
): Promise<Result> {
  const { program, packages } = KINDS[peer];
  const ports = await freePorts(2 * SERVERS);
  const [clients, others] = [ports.slice(0, SERVERS), ports.slice(SERVERS)];
  const servers = clients.map((port, index) => {
    const data = join(directory, String(index));
    const args = peer === 'etcd' ? etcdOptions(index, port, others, data) : redisOptions(peer, port, directory, index);
    return { program, args, port };
  });
  return withServers(servers, isListening, () => use({ client: packages[0], ports: clients }));
}

function etcdOptions(index: number, port: number, peers: readonly number[], data: string): string[] {
  const url = (of: number): string => `http://127.0.0.1:${of}`;
  const cluster = peers.map((of, at) => `node${at}=${url(of)}`).join();
  return [
    ...['--name', `node${index}`, '--data-dir', data, '--log-level', 'error'],
    ...['--listen-client-urls', url(port), '--advertise-client-urls', url(port)],
    ...['--listen-peer-urls', url(peers[index]!), '--initial-advertise-peer-urls', url(peers[index]!)],
    ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
  ];
}

function redisOptions(peer: Peer, port: number, directory: string, index: number): string[] {
  const sync = peer === 'redis, appendfsync always' ? 'always' : 'everysec';
  return [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', ''],
    ...['--appendonly', 'yes', '--appendfsync', sync, '--appenddirname', `aof${index}`],
  ];
}
