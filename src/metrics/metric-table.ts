/**
 * All metrics of a node, in the order of docs/operations.md, whose table a test compares with this one. Pure.
 */

import { CONSISTENCIES } from '../actors/replicated/call.js';
import { HEALTHS } from '../node/health.js';
import type { NodeFigures } from '../node/node-figures.js';
import { ROLES } from '../node/status.js';
import type { LoopFigures } from '../runtime/loop-meter.js';
import type { ThreadFigures } from '../runtime/thread-figures.js';
import { buckets, sample, states, type Metric, type Sample } from './metric.js';

export const METRICS: readonly Metric[] = [
  gauge('conclave_health', ['health'], '1 for the health that the node has, 0 for all others.', ({ status }) =>
    states('health', HEALTHS, status.health),
  ),
  gauge('conclave_uptime_seconds', [], 'How long the node has been running.', ({ status }) =>
    sample(status.uptimeMs / 1000),
  ),
  gauge('conclave_role', ['role'], '1 for the role that the node has, 0 for all others.', ({ status }) =>
    states('role', ROLES, status.role),
  ),
  gauge('conclave_term', [], 'The term that the node is in.', ({ status }) => sample(status.term)),
  gauge('conclave_has_quorum', [], '1 while the node knows a leader that reaches a quorum.', ({ status }) =>
    sample(status.hasQuorum ? 1 : 0),
  ),
  counter('conclave_elections_started_total', [], 'Elections that the node has stood in.', ({ raft }) =>
    sample(raft?.electionsStarted),
  ),
  counter('conclave_elections_won_total', [], 'Elections that the node has won.', ({ raft }) =>
    sample(raft?.electionsWon),
  ),
  counter('conclave_leader_changes_total', [], 'Leaders that the node has come to know, by term.', ({ raft }) =>
    sample(raft?.leaderChanges),
  ),
  gauge('conclave_peer_connected', ['peer'], '1 while there is a connection to this member.', (figures) =>
    ofPeers(figures, ({ connected }) => (connected ? 1 : 0)),
  ),
  gauge(
    'conclave_peer_lag_entries',
    ['peer'],
    'Entries that a member is behind the leader, told by the leader.',
    (figures) =>
      ofPeers(figures, ({ matchIndex }) => (matchIndex === null ? null : figures.status.lastIndex - matchIndex)),
  ),
  counter('conclave_commands_submitted_total', [], 'Commands that were called on the node.', ({ commands }) =>
    sample(commands.submitted),
  ),
  gauge(
    'conclave_commands_pending',
    [],
    'Commands that were called on the node and wait for their result.',
    ({ commands }) => sample(commands.pending),
  ),
  counter(
    'conclave_commands_failed_total',
    ['code'],
    'Commands called on the node that ended in an error, told ones apart.',
    ({ commands }) => commands.failed.map(([code, value]) => ({ labels: { code }, value })),
  ),
  counter(
    'conclave_command_blocks_retried_total',
    [],
    'Blocks of commands that the node has sent to a leader again.',
    ({ raft }) => sample(raft?.blocksRetried),
  ),
  counter(
    'conclave_commands_applied_total',
    [],
    'Commands that the objects of the node have run, whoever called them.',
    ({ objects }) => sample(objects?.commandsApplied),
  ),
  counter(
    'conclave_commands_threw_total',
    [],
    'Commands that the objects of the node have run and that threw.',
    ({ objects }) => sample(objects?.commandsThrew),
  ),
  histogram(
    'conclave_command_duration_seconds',
    [],
    'From call to answer of commands, measured once for each block.',
    ({ commands }, name) => buckets(name, commands.latency),
  ),
  counter('conclave_queries_submitted_total', ['consistency'], 'Queries that were called on the node.', ({ queries }) =>
    CONSISTENCIES.map((consistency) => ({ labels: { consistency }, value: queries[consistency].submitted })),
  ),
  gauge(
    'conclave_queries_pending',
    ['consistency'],
    'Queries that were called on the node and wait for their result.',
    ({ queries }) =>
      CONSISTENCIES.map((consistency) => ({ labels: { consistency }, value: queries[consistency].pending })),
  ),
  counter(
    'conclave_queries_failed_total',
    ['consistency', 'code'],
    'Queries called on the node that ended in an error.',
    ({ queries }) =>
      CONSISTENCIES.flatMap((consistency) =>
        queries[consistency].failed.map(([code, value]) => ({ labels: { consistency, code }, value })),
      ),
  ),
  histogram(
    'conclave_query_duration_seconds',
    ['consistency'],
    'From call to answer of queries, measured once for each block.',
    ({ queries }, name) =>
      CONSISTENCIES.flatMap((consistency) => buckets(name, queries[consistency].latency, { consistency })),
  ),
  gauge('conclave_log_last_index', [], 'The last entry of the log.', ({ status }) => sample(status.lastIndex)),
  gauge('conclave_log_commit_index', [], 'The last entry known to be committed.', ({ status }) =>
    sample(status.commitIndex),
  ),
  gauge('conclave_log_applied_index', [], 'The last entry that the objects have applied.', ({ status }) =>
    sample(status.appliedIndex),
  ),
  gauge('conclave_log_memory_bytes', [], 'Memory that the log takes.', ({ status }) => sample(status.logBytes)),
  gauge('conclave_log_disk_bytes', [], 'Size of the files of the log.', ({ log }) => sample(log?.bytes)),
  gauge('conclave_log_unstored_bytes', [], 'What the disk of the node was given and does not have yet.', ({ raft }) =>
    sample(raft?.unstoredBytes),
  ),
  gauge('conclave_snapshot_index', [], 'The last entry in the newest snapshot.', ({ status }) =>
    sample(status.snapshotIndex),
  ),
  gauge('conclave_snapshot_bytes', [], 'Size of the newest snapshot.', ({ snapshots }) =>
    sample(snapshots?.newestBytes),
  ),
  gauge('conclave_snapshots_kept_bytes', [], 'Size of all snapshots that are kept.', ({ snapshots }) =>
    sample(snapshots?.keptBytes),
  ),
  counter('conclave_snapshots_taken_total', [], 'Snapshots that the node has taken.', ({ snapshots }) =>
    sample(snapshots?.taken),
  ),
  counter('conclave_snapshots_failed_total', [], 'Snapshots that could not be taken.', ({ snapshots }) =>
    sample(snapshots?.failed),
  ),
  gauge('conclave_snapshot_last_duration_seconds', [], 'How long it took to take the last snapshot.', ({ snapshots }) =>
    sample(seconds(snapshots?.lastDurationMs)),
  ),
  gauge(
    'conclave_thread_up',
    ['thread'],
    '0 for a thread that has ended, or has not answered within a second.',
    ({ threads }) =>
      Array.from(threads, ([thread, figures]) => ({ labels: { thread }, value: figures === null ? 0 : 1 })),
  ),
  gauge(
    'conclave_event_loop_utilization_ratio',
    ['thread'],
    'How busy a thread was since the last scrape.',
    (figures) => ofLoops(figures, ({ utilization }) => utilization),
  ),
  gauge(
    'conclave_event_loop_lag_p50_seconds',
    ['thread'],
    'By how much timers of a thread were late since the last scrape, median.',
    (figures) => ofLoops(figures, ({ delayP50Ms }) => delayP50Ms / 1000),
  ),
  gauge(
    'conclave_event_loop_lag_p99_seconds',
    ['thread'],
    'By how much timers of a thread were late since the last scrape, 99th percentile.',
    (figures) => ofLoops(figures, ({ delayP99Ms }) => delayP99Ms / 1000),
  ),
  gauge(
    'conclave_event_loop_lag_max_seconds',
    ['thread'],
    'By how much timers of a thread were late since the last scrape, at most.',
    (figures) => ofLoops(figures, ({ delayMaxMs }) => delayMaxMs / 1000),
  ),
  gauge('conclave_mailbox_messages', ['thread', 'actor'], 'Messages that wait for an actor.', ({ threads }) =>
    living(threads).flatMap(({ thread, mailboxes }) =>
      mailboxes.map(({ actor, messages }) => ({ labels: { thread, actor }, value: messages })),
    ),
  ),
];

type Read = (figures: NodeFigures, name: string) => Sample[];

function gauge(name: string, labels: readonly string[], help: string, read: Read): Metric {
  return { name, type: 'gauge', labels, help, read: (figures) => read(figures, name) };
}

function counter(name: string, labels: readonly string[], help: string, read: Read): Metric {
  return { name, type: 'counter', labels, help, read: (figures) => read(figures, name) };
}

function histogram(name: string, labels: readonly string[], help: string, read: Read): Metric {
  return { name, type: 'histogram', labels, help, read: (figures) => read(figures, name) };
}

function ofPeers(
  { status: { self, members } }: NodeFigures,
  value: (member: NodeFigures['status']['members'][number]) => number | null,
): Sample[] {
  return members
    .filter(({ id }) => id !== self)
    .flatMap((member) => sample(value(member)).map((each) => ({ ...each, labels: { peer: member.id } })));
}

function ofLoops({ threads }: NodeFigures, value: (loop: LoopFigures) => number): Sample[] {
  return living(threads).map(({ thread, loop }) => ({ labels: { thread }, value: value(loop) }));
}

function living(threads: NodeFigures['threads']): ThreadFigures[] {
  return [...threads.values()].filter((figures) => figures !== null);
}

function seconds(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : ms / 1000;
}
