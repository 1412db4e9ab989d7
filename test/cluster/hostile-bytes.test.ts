/**
 * Noise, foreign protocols and foreign nodes on the port of a live node under load: their connection is closed, the log
 * says why, and neither the cluster nor the node's memory notices.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { PeerMessage } from '../../src/actors/raft/messages.js';
import { groupId, incarnation, logIndex, nodeId, observerId, term as asTerm } from '../../src/ids.js';
import { parseAddress } from '../../src/net/address.js';
import { MessageCodec } from '../../src/net/codec.js';
import { FrameType, NO_BYTES } from '../../src/net/frame.js';
import { sharedSettings } from '../../src/node/shared-settings.js';
import { frameBytes, helloBytes, RawPeer } from '../unit/net/support/raw-peer.js';
import type { NodeProcess } from './support/node-process.js';
import { ProcessCluster } from './support/process-cluster.js';
import { resolveDefinition } from '../../src/actors/replicated/object-definition.js';
import { ValueCodec } from '../../src/actors/replicated/value-codec.js';
import { objectsFingerprint } from '../../src/node/objects-fingerprint.js';
import { CODE } from '../unit/net/support/code.js';
import { Ledger } from './fixtures/ledger.js';

const LOAD = { window: 50, burst: 5, everyMs: 5, timeoutMs: 6_000 };
const RECOVERY_MS_MAX = 5_000;
/** More than a stranger is given to say hello. */
const CLOSE_TIMEOUT_MS = 8_000;
const STRANGER = nodeId('127.0.0.1:1');
const FLOOD = 400;
const FLOOD_AT_ONCE = 80;
const FLOOD_BYTES = 256 * 1024;
const MIB = 1024 * 1024;
/** For the log and the ledger, which grow meanwhile; a node that believed what it is told would need gigabytes. */
const GROWTH_BYTES_MAX = 64 * MIB;

/** A header that promises so many bytes, of a frame of this type. */
function header(lengthBytes: number, type: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(lengthBytes, 0);
  bytes[4] = type;
  return bytes;
}

function hello(cluster: string, to: NodeProcess, from = STRANGER): Buffer {
  const remembered = incarnation(randomBytes(16).toString('hex'));
  return helloBytes({ cluster, from, incarnation: remembered, to: nodeId(to.address), settings: {}, code: CODE });
}

/** Random, but for what could by chance be the start of a frame. */
function noise(length: number): Buffer {
  const bytes = randomBytes(length);
  bytes[4] = 0xff;
  return bytes;
}

interface Visit {
  readonly what: string;
  readonly bytes: (node: NodeProcess) => Buffer;
  /** Does the visitor end its side after that? Otherwise it stays and says nothing more. */
  readonly ends?: boolean;
  /** What the node's log says of it. */
  readonly reason: RegExp;
}

const VISITS: readonly Visit[] = [
  { what: 'random bytes', bytes: () => noise(100_000), reason: /protocol error/ },
  { what: 'HTTP', bytes: () => Buffer.from('GET / HTTP/1.1\r\nHost: example\r\n\r\n'), reason: /protocol error/ },
  { what: 'a length of 4 GiB', bytes: () => header(0xffff_ffff, 1), reason: /too large/ },
  { what: 'a length of 1 GiB, and nothing after it', bytes: () => header(1024 * MIB, 3), reason: /too large/ },
  { what: 'a length of nothing', bytes: () => header(0, 1), reason: /shorter than its header/ },
  {
    what: 'half a hello',
    bytes: (node) => hello('conclave', node).subarray(0, 30),
    ends: true,
    reason: /middle of a frame/,
  },
  {
    what: 'half a hello, and then silence',
    bytes: (node) => hello('conclave', node).subarray(0, 30),
    reason: /no hello within/,
  },
  { what: 'nothing at all', bytes: () => Buffer.alloc(0), reason: /no hello within/ },
  {
    what: 'a node of another cluster',
    bytes: (node) => hello('other', node),
    reason: /belongs to cluster \\*"conclave/,
  },
  {
    what: 'a name that no node has',
    bytes: (node) => hello('conclave', node, nodeId('nobody')),
    reason: /is no address of a node/,
  },
];

/** Connects, writes, and resolves with the visitor's own port once the node has closed the connection. */
async function visit(node: NodeProcess, bytes: Buffer, ends = false): Promise<number> {
  const socket = connect(parseAddress(node.address, 'address'));
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const port = socket.localPort!;
  let isClosed = false;
  socket.once('close', () => {
    isClosed = true;
  });
  // A node that has heard enough resets the connection while we still write.
  socket.on('error', () => {});
  socket.resume();
  if (ends) socket.end(bytes);
  else socket.write(bytes);
  await vi.waitUntil(() => isClosed, { timeout: CLOSE_TIMEOUT_MS });
  return port;
}

test('bad visitors are closed and logged, many of them cost nothing, and the cluster goes on', async () => {
  const cluster = await ProcessCluster.start(3);
  await cluster.startLoad(LOAD);
  await cluster.untilAppended(200, RECOVERY_MS_MAX);
  const node = await cluster.leader();
  const { term } = await node.call('status', null);

  const logged = await Promise.all(
    VISITS.map(async ({ bytes, ends, what }) => {
      const port = await visit(node, bytes(node), ends);
      const lines = (): string[] => node.log.filter((line) => line.includes(`:${port}"`));
      await vi.waitUntil(() => lines().length > 0);
      return { what, lines: lines() };
    }),
  );

  expect(logged).toEqual(
    VISITS.map(({ what, reason }) => ({
      what,
      lines: [expect.stringMatching(`^warn: connection closed in handshake .*${reason.source}`)],
    })),
  );

  const beforeBytes = await node.call('rssBytes', null);
  const linesBefore = node.log.length;
  for (let made = 0; made < FLOOD; made += FLOOD_AT_ONCE) {
    await Promise.all(Array.from({ length: FLOOD_AT_ONCE }, () => visit(node, noise(FLOOD_BYTES))));
  }
  const growthBytes = (await node.call('rssBytes', null)) - beforeBytes;
  expect(growthBytes).toBeLessThan(GROWTH_BYTES_MAX);
  // Nor can strangers fill its disk.
  expect(node.log.length - linesBefore).toBeLessThan(FLOOD / 2);

  await cluster.untilAppended(200, RECOVERY_MS_MAX);
  await cluster.stopLoad(RECOVERY_MS_MAX);
  expect(await cluster.complaints()).toEqual([]);
  expect(cluster.history.failures).toEqual([]);
  expect(await node.call('status', null)).toMatchObject({ role: 'leader', term, health: 'ok' });
});

/** What only members may say; an observer that says it must be mad or bad. */
function claims(term: number, from: ReturnType<typeof observerId>): PeerMessage[] {
  const common = { group: groupId(0), from, term: asTerm(term) };
  const last = { lastLogIndex: logIndex(1_000_000), lastLogTerm: asTerm(term) };
  const entries = {
    session: 1,
    round: 1,
    prevLogIndex: logIndex(0),
    prevLogTerm: asTerm(0),
    leaderCommit: logIndex(1_000_000),
  };
  return [
    { type: 'appendEntries', ...common, ...entries, entries: NO_BYTES },
    { type: 'requestPreVote', ...common, ...last, campaignTerm: asTerm(term + 1), founders: NO_BYTES },
    { type: 'requestPreVoteReply', ...common, campaignTerm: asTerm(term + 1), voteGranted: true },
    { type: 'requestVote', ...common, ...last, leadershipTransfer: true, founders: NO_BYTES },
    { type: 'requestVoteReply', ...common, voteGranted: true },
    {
      type: 'installSnapshot',
      ...common,
      session: 1,
      round: 1,
      lastIncludedIndex: last.lastLogIndex,
      lastIncludedTerm: asTerm(term),
      lastIncludedTimestampMs: Date.now(),
      snapshotId: '0'.repeat(32),
      snapshotBytes: 1_000_000,
    },
    { type: 'timeoutNow', ...common },
    { type: 'readIndexReply', ...common, readId: 1, readIndex: last.lastLogIndex },
    { type: 'changeReply', ...common, question: 1, refusal: null, index: last.lastLogIndex },
    { type: 'versionReply', ...common, question: 1, refusal: NO_BYTES },
    { type: 'transferReply', ...common, question: 1, error: null },
    { type: 'membersKnown', ...common, commitIndex: last.lastLogIndex, hasLeader: true, configuration: NO_BYTES },
  ];
}

test('a stranger that poses as an observer neither leads nor votes, whatever it says', async () => {
  const cluster = await ProcessCluster.start(3);
  await cluster.startLoad(LOAD);
  await cluster.untilAppended(200, RECOVERY_MS_MAX);
  const leader = await cluster.leader();
  const { term } = await leader.call('status', null);
  const codec = new MessageCodec(MIB);
  // As an observer would that belongs to the cluster; the limits are those that nodes have by default.
  const settings = sharedSettings({
    electionTimeoutMs: [400, 800],
    limits: { commandBytes: 8 * MIB, submissionBytes: 16 * MIB, inflightBytes: 16 * MIB },
  });

  const resolved = await resolveDefinition('ledger', Ledger, new ValueCodec());
  const code = objectsFingerprint([resolved]);

  for (const node of cluster.nodes) {
    const remembered = incarnation(randomBytes(16).toString('hex'));
    const from = observerId(remembered);
    const peer = await RawPeer.greet(nodeId(node.address), 'conclave', from, remembered, settings, code);
    onTestFinished(() => void peer.socket.destroy());
    for (const message of [...claims(term, from), ...claims(term + 100, from)]) {
      codec.encode(message, { writeFrame: (...frame) => void peer.socket.write(frameBytes(...frame)) });
    }
    peer.socket.write(frameBytes(FrameType.message, 250, 0, randomBytes(100)));
    await vi.waitUntil(() => peer.isClosed, { timeout: CLOSE_TIMEOUT_MS });
    await vi.waitUntil(() => node.log.some((line) => line.startsWith('warn: disconnected') && line.includes(from)));
    expect(node.log.find((line) => line.startsWith('warn: disconnected') && line.includes(from))).toMatch(
      /protocol error/,
    );
  }

  await cluster.untilAppended(200, RECOVERY_MS_MAX);
  await cluster.stopLoad(RECOVERY_MS_MAX);
  expect(await cluster.complaints()).toEqual([]);
  expect(cluster.history.failures).toEqual([]);
  expect(await leader.call('status', null)).toMatchObject({ role: 'leader', term, health: 'ok' });
});
