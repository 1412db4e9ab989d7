import { beforeEach, describe, expect, it } from 'vitest';
import { incarnation, nodeId } from '../../../src/ids.js';
import { TakeoverLog } from '../../../src/net/takeover-log.js';
import { incarnationOf } from './support/loopback.js';
import { RecordingLogger } from './support/recorder.js';

const a = nodeId('a:1');

describe('TakeoverLog', () => {
  let logger: RecordingLogger;
  let takeovers: TakeoverLog;

  beforeEach(() => {
    logger = new RecordingLogger();
    takeovers = new TakeoverLog(logger);
  });

  it('warns, naming the peer and both incarnations', () => {
    takeovers.onTakenOver(a, incarnationOf('2'), incarnationOf('1'));

    const details = JSON.stringify({ peer: a, incarnation: incarnationOf('2'), replaced: incarnationOf('1') });
    expect(logger.lines).toEqual([expect.stringMatching(/^warn .* two processes go by its name/)]);
    expect(logger.lines[0]).toContain(details);
  });

  it('says it once for each incarnation that took a place, however often they take turns', () => {
    for (let i = 0; i < 5; i++) {
      takeovers.onTakenOver(a, incarnationOf('2'), incarnationOf('1'));
      takeovers.onTakenOver(a, incarnationOf('1'), incarnationOf('2'));
    }

    expect(logger.lines).toHaveLength(2);
  });

  it('does not fill the log for somebody who makes up incarnations', () => {
    for (let i = 0; i < 1_000; i++) {
      takeovers.onTakenOver(a, incarnation(i.toString(16).padStart(32, '0')), incarnationOf('1'));
    }

    expect(logger.lines).toHaveLength(100);
  });
});
