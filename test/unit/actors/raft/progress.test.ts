/** What a leader knows of a peer: match and next, and what is under way. */

import { beforeEach, describe, expect, test } from 'vitest';
import { Progress } from '../../../../src/actors/raft/progress.js';
import { logIndex, nodeId } from '../../../../src/ids.js';

const LIMITS = { inflightMessagesMax: 3, inflightBytesMax: 100 };

let peer: Progress;

/** A peer that matches up to 5 and is sent what follows. */
beforeEach(() => {
  peer = new Progress(nodeId('b'), 1, logIndex(6), LIMITS);
  peer.matched(logIndex(5));
  peer.becomeReplicate();
});

describe('a peer that is replicated to', () => {
  test('may be sent as many messages as the limit says', () => {
    for (const index of [6, 7, 8]) {
      expect(peer.maySend).toBe(true);
      peer.sent(logIndex(index), 1);
    }
    expect(peer.maySend).toBe(false);
    peer.matched(logIndex(6));
    expect(peer.maySend).toBe(true);
  });

  test('may be sent as many bytes as the limit says, and one message more than fits', () => {
    peer.sent(logIndex(6), 99);
    expect(peer.maySend).toBe(true);
    peer.sent(logIndex(7), 99);
    expect(peer.maySend).toBe(false);
    peer.matched(logIndex(6));
    expect(peer.maySend).toBe(true);
  });

  test('is idle when all is acknowledged', () => {
    peer.sent(logIndex(6), 1);
    peer.sent(logIndex(9), 1);
    peer.matched(logIndex(8));
    expect(peer.isIdle).toBe(false);
    peer.matched(logIndex(9));
    expect(peer.isIdle).toBe(true);
  });

  test('counts on after thousands of messages', () => {
    const wide = new Progress(nodeId('b'), 1, logIndex(1), { inflightMessagesMax: 3_000, inflightBytesMax: 1e9 });
    wide.becomeReplicate();
    for (let index = 1; index <= 3_000; index++) wide.sent(logIndex(index), 1);
    expect(wide.maySend).toBe(false);
    wide.matched(logIndex(2_999));
    expect([wide.maySend, wide.isIdle]).toEqual([true, false]);
    wide.matched(logIndex(3_000));
    expect([wide.isIdle, wide.nextIndex]).toEqual([true, 3_001]);
  });

  test('is never sent an entry twice', () => {
    peer.sent(logIndex(7), 1);
    expect(() => peer.sent(logIndex(7), 1)).toThrow(expect.objectContaining({ code: 'ERR_ASSERTION' }));
  });
});

describe('what matches', () => {
  test('never goes down', () => {
    expect([peer.matched(logIndex(7)), peer.matched(logIndex(6)), peer.matched(logIndex(7))]).toEqual([
      true,
      false,
      false,
    ]);
    expect(peer).toMatchObject({ matchIndex: 7, nextIndex: 8 });
  });

  test('may be more than was sent in this state', () => {
    peer.becomeProbe(logIndex(6));
    peer.matched(logIndex(9));
    expect(peer).toMatchObject({ matchIndex: 9, nextIndex: 10 });
  });
});

describe('a probe', () => {
  test('is one message at a time, and moves nothing', () => {
    peer.becomeProbe(logIndex(6));
    peer.sent(logIndex(9), 1);
    expect(peer).toMatchObject({ maySend: false, nextIndex: 6, isIdle: true });
  });

  test('never looks at what is known to match', () => {
    peer.becomeProbe(logIndex(2));
    expect(peer.nextIndex).toBe(6);
  });

  test('forgets what was under way', () => {
    for (const index of [6, 7, 8]) peer.sent(logIndex(index), 1);
    peer.becomeProbe(logIndex(6));
    expect([peer.maySend, peer.isIdle]).toEqual([true, true]);
  });
});

test('a peer that awaits a snapshot is sent no entries', () => {
  peer.becomeSnapshot();
  expect(peer.maySend).toBe(false);
  peer.becomeReplicate();
  expect([peer.maySend, peer.nextIndex]).toEqual([true, 6]);
});
