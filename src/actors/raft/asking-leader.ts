/**
 * What a node that does not lead asks of its leader for its own callers: to change the members, to bring a code version
 * into force, and to hand leadership over. A question is sent once. Whoever does not answer it may have done what was
 * asked nonetheless, and the caller is told so: it is for the caller to ask again, which is safe (see `MembersChange`),
 * for a version is only ever raised.
 */

import { logIndex, type NodeId } from '../../ids.js';
import type { ChangeAnswer, ChangeRefusal, TransferError, VersionRefusal } from './effects.js';
import type { ChangeMembers, ChangeReply, SetCodeVersion, TransferReply, VersionReply } from './messages.js';
import type { Core } from './state.js';
import { decodeVersionRefusal, encodeVersionRefusal } from './version-refusal.js';

/** Of each kind. Past this, nothing more is asked until something has been answered. */
const QUESTIONS_MAX = 64;
const NONE: readonly never[] = [];

/** What the leader was asked for, and answers at once. */
export interface Asked {
  readonly changeId: number;
  readonly leader: NodeId;
  readonly deadlineMs: number;
}

/** A transfer of leadership that the leader was asked for. */
export interface AskedTransfer {
  readonly question: number;
  readonly target: NodeId | null;
  readonly leader: NodeId;
  readonly deadlineMs: number;
}

export function askForChange(core: Core, { changeId, add, remove, knownIndex }: ChangeMembers): void {
  const { leader, askedChanges } = core;
  if (leader === null) return answerChange(core, changeId, refused('no leader'));
  if (askedChanges.size >= QUESTIONS_MAX) return answerChange(core, changeId, refused('under way'));
  const { group, self, electionTimeoutMs } = core.options;
  const question = ++core.lastQuestion;
  askedChanges.set(question, { changeId, leader, deadlineMs: core.nowMs + electionTimeoutMs[1] });
  core.effects.push({
    type: 'send',
    to: leader,
    message: { type: 'changeRequest', group, from: self, term: core.term, question, add, remove, knownIndex },
  });
}

export function onChangeReply(core: Core, { from, question, refusal, index }: ChangeReply): void {
  const asked = core.askedChanges.get(question);
  if (asked === undefined || asked.leader !== from) return;
  core.askedChanges.delete(question);
  answerChange(core, asked.changeId, { refusal, index });
}

export function askForVersion(core: Core, { changeId, version }: SetCodeVersion): void {
  const { leader, askedVersions } = core;
  if (leader === null) return answerVersion(core, changeId, { reason: 'no leader' });
  if (askedVersions.size >= QUESTIONS_MAX) return answerVersion(core, changeId, { reason: 'under way' });
  const { group, self, electionTimeoutMs } = core.options;
  const question = ++core.lastQuestion;
  askedVersions.set(question, { changeId, leader, deadlineMs: core.nowMs + electionTimeoutMs[1] });
  core.effects.push({
    type: 'send',
    to: leader,
    message: { type: 'versionRequest', group, from: self, term: core.term, question, version },
  });
}

/** @throws ConclaveError `ERR_PROTOCOL` when the refusal is none. */
export function onVersionReply(core: Core, { from, question, refusal }: VersionReply): void {
  const asked = core.askedVersions.get(question);
  if (asked === undefined || asked.leader !== from) return;
  const decoded = decodeVersionRefusal(refusal);
  core.askedVersions.delete(question);
  answerVersion(core, asked.changeId, decoded);
}

export function askForTransfer(core: Core, target: NodeId | null): void {
  const { leader } = core;
  if (core.askedTransfer !== null || core.handover !== null) return endTransfer(core, 'already under way');
  if (leader === null) return endTransfer(core, 'no leader');
  const { group, self, electionTimeoutMs } = core.options;
  const question = ++core.lastQuestion;
  // The leader gives it up after one such time.
  const deadlineMs = core.nowMs + 2 * electionTimeoutMs[1];
  core.askedTransfer = { question, target, leader, deadlineMs };
  core.effects.push({
    type: 'send',
    to: leader,
    message: { type: 'transferRequest', group, from: self, term: core.term, question, target },
  });
}

export function onTransferReply(core: Core, { from, question, error }: TransferReply): void {
  const { askedTransfer } = core;
  if (askedTransfer === null || askedTransfer.question !== question || askedTransfer.leader !== from) return;
  core.askedTransfer = null;
  endTransfer(core, error);
}

/** Looks for what will not be answered any more. Called at each tick, whatever the role has become. */
export function giveUpAsking(core: Core): void {
  const { askedChanges, askedVersions, askedTransfer, leader, nowMs } = core;
  for (const { changeId } of takeUnanswered(core, askedChanges)) answerChange(core, changeId, refused('unanswered'));
  for (const { changeId } of takeUnanswered(core, askedVersions))
    answerVersion(core, changeId, { reason: 'unanswered' });
  if (askedTransfer === null) return;
  const hasMoved = leader !== null && leader !== askedTransfer.leader;
  if (!hasMoved && nowMs < askedTransfer.deadlineMs) return;
  core.askedTransfer = null;
  if (!hasMoved) endTransfer(core, 'timed out');
  else {
    const isWanted = askedTransfer.target === null || askedTransfer.target === leader;
    endTransfer(core, isWanted ? null : 'another node was elected');
  }
}

/** Takes out what will not be answered any more. */
function takeUnanswered({ leader, nowMs }: Core, questions: Map<number, Asked>): readonly Asked[] {
  if (questions.size === 0) return NONE;
  const unanswered = [...questions].filter(([, asked]) => leader !== asked.leader || nowMs >= asked.deadlineMs);
  for (const [question] of unanswered) questions.delete(question);
  return unanswered.map(([, asked]) => asked);
}

export function refused(refusal: ChangeRefusal): ChangeAnswer {
  return { refusal, index: logIndex(0) };
}

export function answerChange(core: Core, changeId: number, answer: ChangeAnswer): void {
  core.effects.push({ type: 'changeAnswered', changeId, ...answer });
}

/** Answers what another node has asked. */
export function replyToChange(core: Core, to: NodeId, question: number, answer: ChangeAnswer): void {
  const { group, self } = core.options;
  core.effects.push({
    type: 'send',
    to,
    message: { type: 'changeReply', group, from: self, term: core.term, question, ...answer },
  });
}

export function answerVersion(core: Core, changeId: number, refusal: VersionRefusal | null): void {
  core.effects.push({ type: 'versionAnswered', changeId, refusal });
}

/** Answers what another node has asked. */
export function replyToVersion(core: Core, to: NodeId, question: number, refusal: VersionRefusal | null): void {
  const { group, self } = core.options;
  core.effects.push({
    type: 'send',
    to,
    message: {
      type: 'versionReply',
      group,
      from: self,
      term: core.term,
      question,
      refusal: encodeVersionRefusal(refusal),
    },
  });
}

/** Who asked for a transfer; null: this node's own callers. */
export type TransferAsker = { readonly from: NodeId; readonly question: number } | null;

export function endTransfer(core: Core, error: TransferError | null, asker: TransferAsker = null): void {
  if (asker === null) {
    core.effects.push({ type: 'transferEnded', error });
    return;
  }
  const { group, self } = core.options;
  const { from: to, question } = asker;
  core.effects.push({
    type: 'send',
    to,
    message: { type: 'transferReply', group, from: self, term: core.term, question, error },
  });
}
