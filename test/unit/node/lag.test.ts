import { describe, expect, it } from 'vitest';
import type { NodeStatus } from '../../../src/actors/replicated/caller-messages.js';
import { logIndex } from '../../../src/ids.js';
import { Lag } from '../../../src/node/lag.js';
import { followerStatus } from './support/follower-status.js';

const STATUS = followerStatus(5);
const CUT_OFF: Partial<NodeStatus> = { leader: null, hasQuorum: false, isCommitKnown: false };

const committed = (index: number): Partial<NodeStatus> => ({ leaderCommitIndex: logIndex(index) });
const applied = (index: number): Partial<NodeStatus> => ({ appliedIndex: logIndex(index) });

/** What a node is said to be after each of what it has reported. */
function seen(...reports: readonly Partial<NodeStatus>[]): boolean[] {
  const lag = new Lag();
  return reports.map((report) => {
    lag.note({ ...STATUS, ...report });
    return lag.isBehind;
  });
}

describe('a node is behind', () => {
  it('which was cut off, until it has applied what was committed when it found its leader again', () => {
    const reports = [
      {},
      CUT_OFF,
      committed(9),
      { ...committed(12), ...applied(8) },
      { ...committed(15), ...applied(9) },
    ];

    expect(seen(...reports)).toEqual([false, false, true, true, false]);
  });

  it('which has heard from nobody for long, though it has always known who leads', () => {
    expect(seen({}, { hasQuorum: false }, committed(9), { ...committed(9), ...applied(9) })).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it('which is given a snapshot, also once it has that, until it has what its leader has committed since', () => {
    const offered: Partial<NodeStatus> = { role: 'receivingSnapshot', isCommitKnown: false };
    const installed = { ...applied(8), isCommitKnown: false };

    expect(
      seen(CUT_OFF, offered, installed, { ...committed(9), ...applied(8) }, { ...committed(9), ...applied(9) }),
    ).toEqual([false, true, true, true, false]);
  });

  it('whose objects have gone back to a snapshot', () => {
    expect(seen({}, applied(3), applied(5))).toEqual([false, true, false]);
  });
});

it('a node that only applies a moment later than its leader commits is not behind', () => {
  expect(seen({}, committed(6), { ...committed(7), ...applied(6) })).toEqual([false, false, false]);
});
