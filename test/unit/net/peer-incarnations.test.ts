import { beforeEach, describe, expect, it } from 'vitest';
import { incarnation, nodeId } from '../../../src/ids.js';
import { observerId, type Hello } from '../../../src/net/hello.js';
import { PeerIncarnations } from '../../../src/net/peer-incarnations.js';
import { life } from './support/loopback.js';
import { RecordingLogger } from './support/recorder.js';

const a = nodeId('a:1');
const b = nodeId('b:1');

const hello = (change: Partial<Hello> = {}): Hello => ({
  cluster: 'home',
  from: a,
  incarnation: life('1'),
  to: b,
  settings: {},
  ...change,
});

describe('PeerIncarnations', () => {
  let logger: RecordingLogger;
  let incarnations: PeerIncarnations;

  beforeEach(() => {
    logger = new RecordingLogger();
    incarnations = new PeerIncarnations(logger);
  });

  it('lets in whoever is new, and the same one again', () => {
    expect(incarnations.judge(hello())).toBeNull();
    incarnations.accept(hello());

    expect(incarnations.judge(hello())).toBeNull();
    expect(incarnations.judge(hello({ from: nodeId('c:1'), incarnation: life('3') }))).toBeNull();
    expect(logger.lines).toEqual([]);
  });

  it('lets in another life as long as none has been accepted', () => {
    incarnations.judge(hello());

    expect(incarnations.judge(hello({ incarnation: life('2') }))).toBeNull();
  });

  it('refuses another life of a peer that was accepted, and says what to do', () => {
    incarnations.accept(hello());

    const refusal = incarnations.judge(hello({ incarnation: life('2') }));

    expect(refusal).toMatchObject({ reason: 'newIncarnation' });
    expect(refusal!.message).toMatch(/^"a:1" has been restarted and has forgotten .* Restart the whole cluster/);
    expect(incarnations.judge(hello())).toBeNull();
  });

  it('knows nothing of observers', () => {
    const from = observerId(life('1'));
    incarnations.accept(hello({ from }));

    expect(incarnations.judge(hello({ from, incarnation: life('2') }))).toBeNull();
  });

  it('reports each life that it refuses once', () => {
    incarnations.accept(hello());

    for (const digit of ['2', '3', '2', '3', '3']) incarnations.judge(hello({ incarnation: life(digit) }));

    expect(logger.lines).toEqual([
      expect.stringMatching(`^error .*${life('2')}`),
      expect.stringMatching(`^error .*${life('3')}`),
    ]);
  });

  it('reports each peer that refuses this node for its new life once, and other refusals never', () => {
    const refusal = { reason: 'newIncarnation', message: 'no\nway' };

    incarnations.onRefused(a, refusal);
    incarnations.onRefused(b, refusal);
    incarnations.onRefused(a, refusal);
    incarnations.onRefused(nodeId('c:1'), { ...refusal, reason: 'wrongCluster' });

    expect(logger.count('error')).toBe(2);
    expect(logger.lines[0]).toContain(JSON.stringify(JSON.stringify(refusal.message)).slice(1, -1));
  });

  it('does not fill the log for somebody who makes up lives', () => {
    incarnations.accept(hello());

    for (let i = 0; i < 1_000; i++) {
      const madeUp = incarnation(i.toString(16).padStart(32, '0'));
      expect(incarnations.judge(hello({ incarnation: madeUp }))).not.toBeNull();
    }

    expect(logger.lines).toHaveLength(100);
  });
});
