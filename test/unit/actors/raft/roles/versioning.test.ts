/** How a leader raises the code version: who must have the code first, what is refused, and what goes into the log. */

import { describe, expect, test } from 'vitest';
import { readCodeVersion } from '../../../../../src/actors/raft/code-version-entry.js';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import { logIndex, observerId } from '../../../../../src/ids.js';
import { A, B, C, D, lifeOf, Subject } from './fixture.js';

/** Asks for a version. Returns why it is refused; null: it has been begun. */
function raise(subject: Subject, version: number): object | null {
  const effects = subject.local({ type: 'setCodeVersion', changeId: 7, version });
  const answers = effects.filter((effect) => effect.type === 'versionAnswered');
  expect(answers).toHaveLength(1);
  expect(answers[0]!.changeId).toBe(7);
  return answers[0]!.refusal;
}

/** The versions that the log says. */
function versionsOf({ core: { log } }: Subject): (number | null)[] {
  const versions: (number | null)[] = [];
  for (let index: number = log.firstIndex; index <= log.lastIndex; index++) {
    const { kind, payload } = log.entry(logIndex(index));
    if (kind === EntryKind.codeVersion) versions.push(readCodeVersion(payload));
  }
  return versions;
}

/** A leader of a, b and c with code up to version 3, as far as the others have it, that has applied all. */
function leader(others: Readonly<Record<string, number>> = { b: 3, c: 3 }, autoCodeVersion = false): Subject {
  const subject = new Subject({ codeVersionMax: 3, autoCodeVersion });
  for (const [id, max] of Object.entries(others)) subject.connect(id === 'b' ? B : C, 1, max);
  subject.establish();
  subject.local({ type: 'applied', index: subject.core.log.lastIndex });
  return subject;
}

describe('a leader that is asked for a code version', () => {
  test('appends it when all members have its code', () => {
    const subject = leader();
    expect(raise(subject, 2)).toBeNull();
    expect(versionsOf(subject)).toEqual([2]);
  });

  test('refuses it when a member has older code, itself included, and appends nothing', () => {
    const subject = leader({ b: 2, c: 1 });
    expect(raise(subject, 2)).toEqual({ reason: 'unsupported', lacking: [[C, 1]] });
    expect(raise(subject, 4)).toEqual({
      reason: 'unsupported',
      lacking: [
        [A, 3],
        [B, 2],
        [C, 1],
      ],
    });
    expect(versionsOf(subject)).toEqual([]);
  });

  test('goes by what a member that is away had last', () => {
    const subject = leader({ b: 3, c: 1 });
    subject.local({ type: 'peerDisconnected', peer: C });
    expect(raise(subject, 2)).toEqual({ reason: 'unsupported', lacking: [[C, 1]] });
    subject.connect(C, 1, 2);
    subject.local({ type: 'peerDisconnected', peer: C });
    expect(raise(subject, 2)).toBeNull();
  });

  test('refuses it while it does not know what a member has', () => {
    const subject = new Subject({ codeVersionMax: 3, lives: { [C]: null } }).elect();
    subject.connect(B, 1, 3);
    subject.peer(subject.ack(B, subject.core.log.lastIndex));
    subject.flush();
    subject.local({ type: 'applied', index: subject.core.log.lastIndex });
    expect(raise(subject, 1)).toEqual({ reason: 'unsupported', lacking: [[C, null]] });
  });

  test('minds learners, and observers for as long as they are connected', () => {
    const subject = leader();
    const observer = observerId(lifeOf(D));
    subject.connect(observer, 1, 1);
    expect(raise(subject, 2)).toEqual({ reason: 'unsupported', lacking: [[observer, 1]] });
    subject.local({ type: 'peerDisconnected', peer: observer });
    subject.local({ type: 'changeMembers', changeId: 1, add: D, remove: null, knownIndex: logIndex(0) });
    expect(raise(subject, 2)).toEqual({ reason: 'unsupported', lacking: [[D, null]] });
  });

  test('refuses a lower one than it has appended or applied, and takes the same one as done', () => {
    const subject = leader();
    raise(subject, 2);
    expect(raise(subject, 1)).toEqual({ reason: 'lower', current: 2 });
    expect(raise(subject, 2)).toBeNull();
    subject.local({ type: 'codeVersionApplied', version: 3 });
    expect(raise(subject, 2)).toEqual({ reason: 'lower', current: 3 });
    expect(versionsOf(subject)).toEqual([2]);
  });

  test('has it wait until it has applied what leaders before may have said', () => {
    const subject = new Subject({ codeVersionMax: 3 });
    for (const id of [B, C]) subject.connect(id, 1, 3);
    subject.establish();
    expect(raise(subject, 2)).toEqual({ reason: 'under way' });
    subject.local({ type: 'applied', index: subject.core.log.lastIndex });
    expect(raise(subject, 2)).toBeNull();
  });

  test('never takes one from elsewhere into its log', () => {
    const subject = leader();
    subject.peer({ type: 'forward', kind: EntryKind.codeVersion, payload: new Uint8Array(4), crc: 0x2144_df1c });
    subject.flush();
    expect(versionsOf(subject)).toEqual([]);
  });
});

describe('a leader that raises it by itself', () => {
  test('does so as far as all have the code, once', () => {
    const subject = leader({ b: 3, c: 0 }, true);
    subject.tick(1);
    expect(versionsOf(subject)).toEqual([]);
    subject.connect(C, 1, 2);
    subject.tick(1);
    subject.tick(1);
    expect(versionsOf(subject)).toEqual([2]);
    subject.connect(C, 1, 3);
    subject.tick(1);
    expect(versionsOf(subject)).toEqual([2, 3]);
  });

  test('only if it was told to', () => {
    const subject = leader();
    subject.tick(1);
    expect(versionsOf(subject)).toEqual([]);
  });
});
