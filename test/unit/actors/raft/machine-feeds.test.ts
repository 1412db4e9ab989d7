/** How several machines of one node are fed, and what counts as applied. */

import { beforeEach, describe, expect, it } from 'vitest';
import { MachineFeeds } from '../../../../src/actors/raft/machine-feeds.js';
import { RaftLog } from '../../../../src/actors/raft/raft-log.js';
import type { MachineMessage } from '../../../../src/actors/replicated/machine-messages.js';
import { logIndex, term } from '../../../../src/ids.js';
import type { ActorRef } from '../../../../src/runtime/actor.js';
import { blockOf } from './roles/fixture.js';

const ENTRIES = 1_000;
/** Entries on the way to one machine. */
const WINDOW = 4;

describe('the feeds of two machines', () => {
  let fed: [number, number];
  let log: RaftLog;
  let entryBytes: number;
  let feeds: MachineFeeds;

  beforeEach(() => {
    fed = [0, 0];
    log = new RaftLog();
    for (let index = 1; index <= ENTRIES; index++) log.append(blockOf(index), term(1), index);
    entryBytes = log.slice(logIndex(1), logIndex(1), Infinity).bytes.length;
    feeds = new MachineFeeds([machine(0), machine(1)], WINDOW * entryBytes);
    for (const number of [0, 1]) start(number, 1);
  });

  /** Counts the entries that it is sent. */
  function machine(number: 0 | 1): ActorRef<MachineMessage> {
    const tell = (message: MachineMessage): void => {
      if (message.type === 'applyEntries') fed[number] += message.entries.byteLength / entryBytes;
    };
    return { tell } as unknown as ActorRef<MachineMessage>;
  }

  const start = (number: number, machineId: number): void =>
    feeds.start({ type: 'machineReady', machine: number, machineId, snapshot: null, session: null, nextSeq: 1 });

  const applied = (number: number, index: number, machineId = 1): string =>
    feeds.applied({
      type: 'machineApplied',
      machine: number,
      machineId,
      index: logIndex(index),
      session: null,
      nextSeq: 1,
      gap: false,
      expired: null,
      codeVersion: number + 1,
    });

  const feed = (): void => feeds.feed(log, logIndex(ENTRIES));

  it('go on each at its own pace, and what counts as applied is what the slower one has', () => {
    feed();
    applied(1, 4);
    feed();

    expect(fed).toEqual([4, 8]);
    expect(feeds.appliedIndex).toBe(0);
    expect(feeds.codeVersion).toBe(0);

    applied(0, 2);
    expect(feeds.appliedIndex).toBe(2);
    expect(feeds.codeVersion).toBe(1);
  });

  it('hold back a machine that is far ahead of the slower one, which is never held back', () => {
    for (let index = 4; index <= 200; index += 4) {
      feed();
      applied(1, Math.min(index, fed[1]));
    }
    expect(fed[0]).toBe(4);
    // Eight times what may be on the way, and a piece.
    expect(fed[1]).toBeGreaterThanOrEqual(8 * WINDOW);
    expect(fed[1]).toBeLessThanOrEqual(9 * WINDOW);

    for (let index = 4; index <= ENTRIES; index += 4) {
      applied(0, index);
      applied(1, fed[1]);
      feed();
    }
    expect(fed).toEqual([ENTRIES, ENTRIES]);
  });

  it('feed one that takes the place of another from the start again, and the other one takes no notice', () => {
    feed();
    applied(0, 4);
    applied(1, 4);
    feed();

    start(1, 2);
    feed();

    expect(fed).toEqual([8, 8 + 4]);
    expect(applied(1, 4)).toBe('ignored');
    expect(applied(1, 4, 2)).toBe('known');
    expect(applied(1, 5, 2)).toBe('news');
    expect(applied(0, 5)).toBe('known');
  });
});
