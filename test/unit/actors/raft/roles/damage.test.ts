/** What arrives damaged is refused, and changes nothing. */

import { describe, expect, test } from 'vitest';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import { logIndex } from '../../../../../src/ids.js';
import { contentOf } from '../content.js';
import { admissionContent } from './campaigning.js';
import { append, B, blockOf, C, encode, payloadOf, Subject } from './fixture.js';

const damaged = expect.objectContaining({ code: 'ERR_PROTOCOL' });

describe('what was damaged on its way', () => {
  test.each([5, 20, 33, 38, 40])('is refused as a whole, wherever it is: byte %i of an entry', (at) => {
    const subject = new Subject({ log: [1], term: 1 });
    const message = append(1, 1, [1, 1], { leaderCommit: 3 });
    message.entries[41 + at]! ^= 0x10;
    expect(() => subject.peer(message)).toThrow(damaged);
    expect(subject.core).toMatchObject({ log: { lastIndex: 1 }, commitIndex: 0, leader: null, term: 1 });
    expect(subject.flush()).toEqual([]);
  });

  test('does not count although its checksums are right: a configuration that is none', () => {
    const subject = new Subject({ term: 1 });
    const broken = contentOf(EntryKind.configuration, payloadOf(1));
    expect(() => subject.peer({ ...append(0, 0), entries: encode(1, [[broken, 1]]) })).toThrow(damaged);
    expect(subject.core).toMatchObject({ log: { lastIndex: 0 }, leader: null });
    expect(subject.core.configurations.current.admitted.get(B)).toBe('b1');
  });

  test('is not appended by a leader, which goes on', () => {
    const subject = new Subject().establish();
    const content = blockOf(7);
    expect(() => subject.peer({ type: 'forward', ...content, payload: payloadOf(8) })).toThrow(damaged);
    expect(subject.flush()).toEqual([]);
    subject.peer({ type: 'forward', ...content });
    subject.flush();
    expect(subject.core.log.entry(logIndex(2)).payload).toEqual(payloadOf(7));
  });
});

test('a peer that forwards a change of members is not let', () => {
  const subject = new Subject().establish();
  subject.peer({ type: 'forward', ...admissionContent([[C, null]]) });
  expect(subject.flush()).toEqual([]);
  expect(subject.core.configurations.current.admitted.get(C)).toBe('c1');
});
