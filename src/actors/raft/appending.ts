/**
 * Taking entries from a leader (Raft §5.3): the same for every role that listens to one. An acknowledgement goes out
 * only once the entries are durable; several of one batch become one.
 */

import { assert } from '../../assert.js';
import { ConclaveError } from '../../errors.js';
import { logIndex, type LogIndex, type NodeId, type Term } from '../../ids.js';
import { noteConfigurations, forgetStrangers } from './admitting.js';
import { isMember, type Configuration } from './configuration.js';
import { decodeConfiguration } from './configuration-entry.js';
import { EntryKind, EntryReader } from './entry.js';
import type { AppendEntries, AppendEntriesReply } from './messages.js';
import { checkEncoded, type EncodedRun } from './raft-log.js';
import { resetElectionDeadline, type Core } from './state.js';
import { setLeader } from './transitions.js';

/** Reads what a message carries. @throws ConclaveError `ERR_PROTOCOL`; nothing has been changed then. */
export function readRun(core: Core, message: AppendEntries): EncodedRun {
  const { entries, prevLogIndex, prevLogTerm } = message;
  const run = checkEncoded(entries, logIndex(prevLogIndex + 1), prevLogTerm, core.term);
  const configurations = run.hasConfiguration ? readConfigurations(entries) : [];
  refuseStranger(core, message, run, configurations);
  return run;
}

function readConfigurations(entries: Uint8Array): Configuration[] {
  const configurations: Configuration[] = [];
  reader.reset(entries);
  while (reader.next()) {
    if (reader.kind !== EntryKind.configuration) continue;
    configurations.push(decodeConfiguration(entries.subarray(reader.payloadStart, reader.payloadEnd)));
  }
  return configurations;
}

/**
 * A leader's log admits it before the first entry of its term, and has all that is committed. One of somebody who is
 * not admitted here, and that lacks either, is the log of another cluster: one of the same name, or of this one's
 * members, who have all lost their memory. Terms and indexes of the two tell nothing of each other.
 */
function refuseStranger(
  core: Core,
  message: AppendEntries,
  run: EncodedRun,
  configurations: readonly Configuration[],
): void {
  const { from, prevLogIndex, prevLogTerm } = message;
  const known = core.incarnations.get(from);
  if (known === undefined || known === core.configurations.current.admitted.get(from)) return;
  if (contradictsCommitted(core, message)) throw otherCluster(from);
  if (run.lastTerm !== core.term || !matches(core, prevLogIndex, prevLogTerm)) return;
  // It may have left itself out since: any of them will do.
  const all = [...core.configurations.upTo(prevLogIndex), ...configurations];
  if (all.some(({ admitted }) => admitted.get(from) === known)) return;
  throw otherCluster(from);
}

function contradictsCommitted({ commitIndex, log }: Core, { prevLogIndex, entries }: AppendEntries): boolean {
  if (prevLogIndex >= commitIndex) return false;
  reader.reset(entries);
  while (reader.next() && reader.index <= commitIndex) {
    if ((log.termAt(reader.index) ?? reader.term) !== reader.term) return true;
  }
  return false;
}

function otherCluster(from: NodeId): ConclaveError {
  return new ConclaveError(
    'ERR_PROTOCOL',
    `${from} leads another cluster than the one that this node has followed. If all of its members have lost their memory, and ` +
      'founded it anew, restart this node, without the data directory if it has one; if they are others, mend the addresses, ' +
      'and give each cluster a name of its own.',
  );
}

/** A leader of the current term has spoken. */
export function hearFromLeader(core: Core, leader: NodeId): void {
  assert(core.leader === null || core.leader === leader, 'a term has at most one leader');
  setLeader(core, leader);
  core.leaderContactMs = core.nowMs;
  resetElectionDeadline(core);
}

/** Appends what is new, or refuses; answers either way. Called with a message of the current term. */
export function acceptEntries(core: Core, message: AppendEntries, run: EncodedRun): void {
  const { prevLogIndex, prevLogTerm, entries } = message;
  core.leaderCommitMs = core.nowMs;
  if (message.leaderCommit > core.leaderCommitIndex) core.leaderCommitIndex = message.leaderCommit;
  if (!matches(core, prevLogIndex, prevLogTerm)) {
    refuse(core, message);
    return;
  }
  const matchIndex = run.count === 0 ? prevLogIndex : run.lastIndex;
  const news = entries.subarray(skipHeld(core, entries));
  if (news.length > 0) {
    const firstIndex = core.log.lastIndex + 1;
    core.log.appendEncoded(news);
    noteConfigurations(core, firstIndex);
  }
  advanceCommit(core, logIndex(Math.min(message.leaderCommit, matchIndex)));
  noteOwnMembership(core, message.leaderCommit);
  // What is committed matches as well, and the leader may not know that this node has it, after a snapshot.
  acknowledge(core, message, logIndex(Math.max(matchIndex, core.commitIndex)));
}

/** Tells a leader of an earlier term that there is a later one. */
export function refuseStale(core: Core, message: AppendEntries): void {
  pushRefusal(core, message, ZERO_INDEX, ZERO_TERM);
}

/** Tells the leader where to look for the place up to which the logs match (end of §5.3). */
function refuse(core: Core, message: AppendEntries): void {
  const { log } = core;
  const { prevLogIndex } = message;
  if (prevLogIndex > log.lastIndex) pushRefusal(core, message, logIndex(log.lastIndex + 1), ZERO_TERM);
  else pushRefusal(core, message, log.firstIndexOfTermAt(prevLogIndex), log.termAt(prevLogIndex)!);
}

function pushRefusal(core: Core, message: AppendEntries, conflictIndex: LogIndex, conflictTerm: Term): void {
  const reply = replyTo(core, message, false, message.prevLogIndex, conflictIndex, conflictTerm);
  core.afterStore.push({ type: 'send', to: message.from, message: reply });
}

/**
 * Is this node a member, or has it been left out for good? Not before it knows all that the leader knows to be
 * committed, and the leader all that there is, for which it must have committed an entry of its own term: it may have
 * been let in again there. One that is to join, and finds that it was removed, is not told so: it waits to be added.
 */
function noteOwnMembership(core: Core, leaderCommit: LogIndex): void {
  const { configurations, commitIndex, log, options } = core;
  if (configurations.lastIndex > commitIndex || leaderCommit > commitIndex) return;
  if (log.termAt(commitIndex) !== core.term) return;
  const isOfTheGroup = isMember(configurations.current, options.self);
  if (core.isOfTheGroup && !isOfTheGroup) core.effects.push({ type: 'removed' });
  core.isOfTheGroup = isOfTheGroup;
}

function advanceCommit(core: Core, index: LogIndex): void {
  if (index > core.commitIndex) core.commitIndex = index;
}

function matches(core: Core, index: LogIndex, term: Term): boolean {
  // What is committed is the same everywhere, also where the log no longer has it.
  return index <= core.commitIndex || core.log.termAt(index) === term;
}

/** Skips the entries that the log holds already, cuts off what contradicts the rest; returns where the rest starts. */
function skipHeld(core: Core, entries: Uint8Array): number {
  const { log } = core;
  let offset = 0;
  reader.reset(entries);
  while (offset < entries.length && reader.next()) {
    const { index, term } = reader;
    if (index > log.lastIndex) break;
    const isSame = (log.termAt(index) ?? term) === term;
    assert(isSame || index > core.commitIndex, 'what is committed is the same in every log');
    if (!isSame) {
      log.truncateAfter(logIndex(index - 1));
      core.configurations.truncateAfter(logIndex(index - 1));
      forgetStrangers(core);
      core.storedIndex = logIndex(Math.min(core.storedIndex, index - 1));
      break;
    }
    offset = reader.payloadEnd;
  }
  return offset;
}

const reader = new EntryReader();

function acknowledge(core: Core, message: AppendEntries, matchIndex: LogIndex): void {
  const reply = replyTo(core, message, true, matchIndex, ZERO_INDEX, ZERO_TERM);
  const last = core.afterStore.at(-1);
  if (last?.type === 'send' && last.message.type === 'appendEntriesReply' && supersedes(reply, last.message)) {
    core.afterStore.pop();
  }
  core.afterStore.push({ type: 'send', to: message.from, message: reply });
}

/** Does the later of two replies say all that the earlier one says? */
function supersedes(later: AppendEntriesReply, earlier: AppendEntriesReply): boolean {
  return (
    earlier.success &&
    earlier.term === later.term &&
    earlier.session === later.session &&
    earlier.matchIndex <= later.matchIndex &&
    earlier.round <= later.round
  );
}

/**
 * One literal for all: answers are made for every message, and copying parts of one into another takes longer than the
 * rest.
 */
function replyTo(
  core: Core,
  { session, round }: AppendEntries,
  success: boolean,
  matchIndex: LogIndex,
  conflictIndex: LogIndex,
  conflictTerm: Term,
): AppendEntriesReply {
  return {
    type: 'appendEntriesReply',
    group: core.options.group,
    from: core.options.self,
    term: core.term,
    session,
    round,
    success,
    matchIndex,
    conflictIndex,
    conflictTerm,
  };
}

const ZERO_INDEX = logIndex(0);
const ZERO_TERM = 0 as Term;
