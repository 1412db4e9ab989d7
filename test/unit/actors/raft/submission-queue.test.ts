import { describe, expect, it } from 'vitest';
import { SubmissionQueue } from '../../../../src/actors/raft/submission-queue.js';
import { sessionId } from '../../../../src/ids.js';

const [first, second] = [sessionId(3), sessionId(8)];

describe('SubmissionQueue', () => {
  it('counts what has been applied, each once and in order', () => {
    const queue = new SubmissionQueue();
    queue.push(0, 0);
    queue.push(first, 1);
    queue.push(first, 4);
    queue.push(first, 6);

    expect(queue.takeDone(null, 1, null)).toBe(0);
    expect(queue.takeDone(first, 1, null)).toBe(1);
    expect(queue.takeDone(first, 6, null)).toBe(2);
    expect(queue.takeDone(first, 6, null)).toBe(0);
    expect(queue.takeDone(first, 7, null)).toBe(1);
  });

  it('gives up the blocks of a session that has expired', () => {
    const queue = new SubmissionQueue();
    queue.push(first, 1);
    queue.push(first, 2);
    queue.push(0, 0);

    expect(queue.takeDone(null, 1, first)).toBe(2);
    expect(queue.takeDone(second, 1, null)).toBe(1);
  });

  it('gives up a block whose caller learnt too late that its session had expired', () => {
    const queue = new SubmissionQueue();
    queue.takeDone(null, 1, first);
    queue.push(first, 5);
    queue.push(0, 0);
    queue.push(second, 1);

    expect(queue.takeDone(null, 1, null)).toBe(1);
    expect(queue.takeDone(second, 2, null)).toBe(2);
  });

  it('is not misled by objects that are fed the log again and tell of sessions gone by', () => {
    const queue = new SubmissionQueue();
    queue.takeDone(null, 1, first);
    queue.push(0, 0);

    expect(queue.takeDone(first, 4, null)).toBe(0);
    expect(queue.takeDone(second, 1, null)).toBe(1);
    queue.push(second, 1);
    expect(queue.takeDone(first, 4, null)).toBe(0);
    expect(queue.takeDone(second, 2, null)).toBe(1);
  });

  it('keeps counting right over many submissions', () => {
    const queue = new SubmissionQueue();
    let done = 0;
    for (let seq = 1; seq <= 5_000; seq++) {
      queue.push(first, seq);
      if (seq % 7 === 0) done += queue.takeDone(first, seq - 2, null);
    }

    expect(done + queue.takeDone(first, 5_001, null)).toBe(5_000);
  });
});
