import { Encoder } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeId } from '../../../src/ids.js';
import { FrameType, NO_BYTES, type Frame } from '../../../src/net/frame.js';
import {
  checkClusterName,
  isDialer,
  isObserverId,
  isRefusal,
  judgeHello,
  observerId,
  PROTOCOL_VERSION,
  readHello,
  readRefusal,
  writeHello,
  writeRefusal,
  type Hello,
  type Identity,
} from '../../../src/net/hello.js';
import { life } from './support/loopback.js';
import { unlessProtocolError } from './support/protocol.js';
import { helloBytes } from './support/raw-peer.js';

const a = nodeId('a:1');
const b = nodeId('b:1');
const c = nodeId('c:1');

/** What node b compares with. */
const identity: Identity = {
  cluster: 'home',
  self: b,
  incarnation: life('b'),
  peers: new Set([a, c]),
  allowObservers: true,
};

/** What node a says to node b. */
const hello: Hello = { cluster: 'home', from: a, incarnation: life('a'), to: b };

function written(
  write: (sink: { writeFrame(...frame: [FrameType, number, number, Uint8Array, Uint8Array]): void }) => void,
): Frame {
  let frame: Frame | undefined;
  write({
    writeFrame: (type, code, group, meta, payload) => void (frame = { type, code, group, meta: meta.slice(), payload }),
  });
  return frame!;
}

function helloFrame(meta: unknown, code = PROTOCOL_VERSION): Frame {
  return { type: FrameType.hello, code, group: 0, meta: new Encoder().encode(meta), payload: NO_BYTES };
}

describe('hello', () => {
  it('has this form on the wire', () => {
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    const meta = [
      '95',
      'a8',
      hex('conclave'),
      'a4',
      hex('home'),
      'a3',
      hex('a:1'),
      'd920',
      hex(life('a')),
      'a3',
      hex('b:1'),
    ];

    const bytes = helloBytes(hello);

    expect(bytes.toString('hex')).toBe(['41000000', '01', '01', '0000', '39000000', ...meta].join(''));
  });

  it('is read as it was written', () => {
    const unusual = { ...hello, cluster: 'Zürich 🏔', from: nodeId(`[${'f'.repeat(200)}]:65535`) };

    expect(readHello(written((sink) => writeHello(unusual, sink)))).toEqual(unusual);
  });

  it('of another version is refused, whatever else it says', () => {
    const answer = readHello({ ...helloFrame('gibberish'), code: PROTOCOL_VERSION + 1 });

    expect(answer).toMatchObject({ reason: 'unsupportedVersion' });
    expect(isRefusal(answer)).toBe(true);
  });

  it.each([
    ['another magic', ['concave', 'home', 'a:1', life('a'), 'b:1']],
    ['a field missing', ['conclave', 'home', 'a:1', life('a')]],
    ['a field too many', ['conclave', 'home', 'a:1', life('a'), 'b:1', 'x']],
    ['a field that is no string', ['conclave', 'home', 'a:1', life('a'), 7]],
    ['a map', { magic: 'conclave' }],
    ['an incarnation that is too short', ['conclave', 'home', 'a:1', 'aa', 'b:1']],
    ['an incarnation with other digits', ['conclave', 'home', 'a:1', 'A'.repeat(32), 'b:1']],
    ['a cluster that is too long', ['conclave', 'x'.repeat(257), 'a:1', life('a'), 'b:1']],
    ['a sender that is too long', ['conclave', 'home', 'x'.repeat(265), life('a'), 'b:1']],
    ['a recipient that is too long', ['conclave', 'home', 'a:1', life('a'), 'x'.repeat(265)]],
    ['a string that is far too long', ['conclave', 'x'.repeat(3_000), 'a:1', life('a'), 'b:1']],
  ])('with %s is no hello', (_what, meta) => {
    expect(() => readHello(helloFrame(meta))).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
  });

  it('with bytes behind it is no hello', () => {
    const frame = { ...written((sink) => writeHello(hello, sink)), payload: Uint8Array.of(1) };

    expect(() => readHello(frame)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
  });

  it('of any bytes is a hello, a refusal or a protocol error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(2), (meta, code) => {
        const frame = { type: FrameType.hello, code, group: 0, meta, payload: NO_BYTES };
        expect(() => unlessProtocolError(() => readHello(frame))).not.toThrow();
        expect(() => unlessProtocolError(() => readRefusal(frame))).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('refusal', () => {
  it('tells the other side reason and message, quoted for its log', () => {
    const frame = written((sink) => writeRefusal({ reason: 'wrongCluster', message: 'no\nline' }, sink));

    expect(readRefusal(frame)).toBe('"no\\nline" ("wrongCluster")');
  });

  it('can carry whatever a hello made it say', () => {
    const cluster = '漢'.repeat(256);
    const refusal = judgeHello({ ...hello, cluster }, { ...identity, cluster: '"'.repeat(256) }, null)!;

    expect(readRefusal(written((sink) => writeRefusal(refusal, sink)))).toContain('wrongCluster');
  });
});

describe('judgeHello', () => {
  it('takes a peer that dialled', () => {
    expect(judgeHello(hello, identity, null)).toBeNull();
  });

  it('takes the peer that it dialled', () => {
    expect(judgeHello({ ...hello, from: c, incarnation: life('c') }, identity, c)).toBeNull();
  });

  it.each([
    ['another cluster', { cluster: 'away' }, 'wrongCluster', '"away"'],
    ['its own name', { from: b }, 'selfConnection', '"b:1"'],
    ['its own incarnation', { incarnation: life('b') }, 'selfConnection', '"b:1"'],
    ['another recipient', { to: c }, 'wrongRecipient', '"c:1"'],
    ['a stranger', { from: nodeId('Z:1') }, 'unknownNode', '"Z:1"'],
    ['a peer that should have been dialled', { from: c }, 'wrongDirection', '"c:1"'],
    ["an observer with another's id", { from: observerId(life('e')) }, 'unknownNode', 'observer-eeeeeeeeeeee'],
  ])('refuses %s, naming it', (_what, change, reason, named) => {
    const refusal = judgeHello({ ...hello, ...change }, identity, null);

    expect(refusal).toMatchObject({ reason, message: expect.stringContaining(named) });
  });

  it('refuses an address that belongs to another node than was dialled', () => {
    expect(judgeHello(hello, identity, c)).toMatchObject({
      reason: 'wrongRecipient',
      message: '"c:1" was asked for, but this is "a:1".',
    });
  });

  it('takes an observer where observers are allowed, and only there', () => {
    const observer = { ...hello, from: observerId(life('e')), incarnation: life('e') };

    expect(judgeHello(observer, identity, null)).toBeNull();
    expect(judgeHello(observer, { ...identity, allowObservers: false }, null)).toMatchObject({ reason: 'unknownNode' });
  });
});

describe('who dials', () => {
  it('is exactly one of two nodes, and never the one that an observer talks to', () => {
    const observer = observerId(life('0'));

    expect([isDialer(a, b), isDialer(b, a)]).toEqual([true, false]);
    expect([isDialer(observer, a), isDialer(a, observer)]).toEqual([true, false]);
    expect([isDialer(observer, nodeId('z:1')), isDialer(nodeId('z:1'), observer)]).toEqual([true, false]);
  });

  it('can tell an observer from a node', () => {
    expect([observerId(life('0')), nodeId('observer-000000000000:1'), a].map(isObserverId)).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('checkClusterName', () => {
  it('takes what fits into a hello and refuses what does not', () => {
    expect(() => checkClusterName('漢'.repeat(256))).not.toThrow();
    expect(() => checkClusterName('x'.repeat(257))).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
  });
});
