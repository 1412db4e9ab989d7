import { Encoder } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObserverId, nodeId, observerId } from '../../../src/ids.js';
import { FrameType, META_BYTES_MAX, NO_BYTES, type Frame } from '../../../src/net/frame.js';
import {
  checkClusterName,
  describeRefusal,
  isDialer,
  isRefusal,
  judgeHello,
  PROTOCOL_VERSION,
  readHello,
  readRefusal,
  writeHello,
  writeRefusal,
  type Hello,
  type Identity,
} from '../../../src/net/hello.js';
import { checkSettings, settingFields, type Settings } from '../../../src/net/settings.js';
import { incarnationOf } from './support/loopback.js';
import { unlessProtocolError } from './support/protocol.js';
import { helloBytes } from './support/raw-peer.js';
import { CODE } from './support/code.js';
import { CODE_VERSIONS_MAX, codeFields, NEWS_BYTES_MAX } from '../../../src/net/code-history.js';

const a = nodeId('a:1');
const b = nodeId('b:1');
const c = nodeId('c:1');
const CODE_FIELDS = codeFields(CODE);

/** What node b compares with. */
const identity: Identity = {
  cluster: 'home',
  self: b,
  incarnation: incarnationOf('b'),
  allowObservers: true,
  settings: { commandBytes: '64', members: 'a:1,b:1,c:1' },
  code: CODE,
};

/** What node a says to node b. */
const hello: Hello = {
  cluster: 'home',
  from: a,
  incarnation: incarnationOf('a'),
  to: b,
  settings: identity.settings,
  code: CODE,
};

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
  // Whoever has to change this must raise PROTOCOL_VERSION.
  it('has this form on the wire', () => {
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    const meta = [
      '97',
      'a8',
      hex('conclave'),
      'a4',
      hex('home'),
      'a3',
      hex('a:1'),
      'd920',
      hex(incarnationOf('a')),
      'a3',
      hex('b:1'),
      '94',
      'ac',
      hex('commandBytes'),
      'a2',
      hex('64'),
      'a7',
      hex('members'),
      'ab',
      hex('a:1,b:1,c:1'),
      '93',
      '00',
      'a0',
      'd920',
      hex('0'.repeat(32)),
    ];

    const bytes = helloBytes(hello);

    expect(bytes.toString('hex')).toBe(['8b000000', '01', '05', '0000', '83000000', ...meta].join(''));
  });

  it('is read as it was written', () => {
    const unusual = { ...hello, cluster: 'Zürich 🏔', from: nodeId(`[${'f'.repeat(200)}]:65535`), settings: {} };

    expect(readHello(written((sink) => writeHello(unusual, sink)))).toEqual(unusual);
  });

  it('of another version is refused, whatever else it says', () => {
    const answer = readHello({ ...helloFrame('gibberish'), code: PROTOCOL_VERSION + 1 });

    expect(answer).toMatchObject({ reason: 'unsupportedVersion' });
    expect(isRefusal(answer)).toBe(true);
  });

  it.each([
    ['another magic', ['concave', 'home', 'a:1', incarnationOf('a'), 'b:1', [], CODE_FIELDS]],
    ['a field missing', ['conclave', 'home', 'a:1', incarnationOf('a'), 'b:1', CODE_FIELDS]],
    ['a field too many', ['conclave', 'home', 'a:1', incarnationOf('a'), 'b:1', [], CODE_FIELDS, 'x']],
    ['a field that is no string', ['conclave', 'home', 'a:1', incarnationOf('a'), 7, [], CODE_FIELDS]],
    ['settings that are no list', ['conclave', 'home', 'a:1', incarnationOf('a'), 'b:1', 'members', CODE_FIELDS]],
    ['a setting without a value', ['conclave', 'home', 'a:1', incarnationOf('a'), 'b:1', ['members'], CODE_FIELDS]],
    ['a setting that is no string', ['conclave', 'home', 'a:1', incarnationOf('a'), 'b:1', ['commandBytes', 64]]],
    [
      'too many settings',
      ['conclave', 'home', 'a:1', incarnationOf('a'), 'b:1', Array.from({ length: 34 }, String), CODE_FIELDS],
    ],
    [
      'a setting that is too long',
      ['conclave', 'home', 'a:1', incarnationOf('a'), 'b:1', ['members', 'x'.repeat(2_049)]],
    ],
    ['a map', { magic: 'conclave' }],
    ['an incarnation that is too short', ['conclave', 'home', 'a:1', 'aa', 'b:1', []]],
    ['an incarnation with other digits', ['conclave', 'home', 'a:1', 'A'.repeat(32), 'b:1', []]],
    ['a cluster that is too long', ['conclave', 'x'.repeat(257), 'a:1', incarnationOf('a'), 'b:1', []]],
    ['a sender that is too long', ['conclave', 'home', 'x'.repeat(265), incarnationOf('a'), 'b:1', []]],
    ['a recipient that is too long', ['conclave', 'home', 'a:1', incarnationOf('a'), 'x'.repeat(265), []]],
    ['a string that is far too long', ['conclave', 'x'.repeat(3_000), 'a:1', incarnationOf('a'), 'b:1', []]],
  ])('with %s is no hello', (_what, meta) => {
    expect(() => readHello(helloFrame(meta))).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
  });

  it('with bytes behind it is no hello', () => {
    const frame = { ...written((sink) => writeHello(hello, sink)), payload: Uint8Array.of(1) };

    expect(() => readHello(frame)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
  });

  it('of any bytes is a hello, a refusal or a protocol error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(3), (meta, code) => {
        const frame = { type: FrameType.hello, code, group: 0, meta, payload: NO_BYTES };
        expect(() => unlessProtocolError(() => readHello(frame))).not.toThrow();
        expect(() => unlessProtocolError(() => readRefusal(frame))).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('refusal', () => {
  it('tells the other side reason and message, and is quoted for its log', () => {
    const frame = written((sink) => writeRefusal({ reason: 'wrongCluster', message: 'no\n "line"' }, sink));

    const refusal = readRefusal(frame);

    expect(refusal).toEqual({ reason: 'wrongCluster', message: 'no\n "line"' });
    expect(describeRefusal(refusal)).toBe('refused by the other side: “no\\n "line"” ("wrongCluster")');
  });

  it('can carry whatever a hello made it say', () => {
    const cluster = '漢'.repeat(256);
    const refusal = judgeHello({ ...hello, cluster }, { ...identity, cluster: '"'.repeat(256) }, null)!;

    expect(readRefusal(written((sink) => writeRefusal(refusal, sink))).reason).toBe('wrongCluster');
  });
});

describe('judgeHello', () => {
  it('takes a peer that dialled', () => {
    expect(judgeHello(hello, identity, null)).toBeNull();
  });

  it('takes any incarnation of a peer', () => {
    const lives = ['1', '2', '3'].map((digit) => ({ ...hello, incarnation: incarnationOf(digit) }));

    expect(lives.map((other) => judgeHello(other, identity, null))).toEqual([null, null, null]);
  });

  it('takes the peer that it dialled', () => {
    expect(judgeHello({ ...hello, from: c, incarnation: incarnationOf('c') }, identity, c)).toBeNull();
  });

  it.each([
    ['another cluster', { cluster: 'away' }, 'wrongCluster', '"away"'],
    ['its own name', { from: b }, 'selfConnection', '"b:1"'],
    [
      'its own incarnation under another name',
      { incarnation: incarnationOf('b') },
      'sameIncarnation',
      '"a:1" and "b:1"',
    ],
    ['another recipient', { to: c }, 'wrongRecipient', '"c:1"'],
    ['a name that no node has', { from: nodeId('nobody') }, 'unknownNode', '"nobody"'],
    ["an observer with another's id", { from: observerId(incarnationOf('e')) }, 'unknownNode', 'observer-eeeeeeeeeeee'],
  ])('refuses %s, naming it', (_what, change, reason, named) => {
    const refusal = judgeHello({ ...hello, ...change }, identity, null);

    expect(refusal).toMatchObject({ reason, message: expect.stringContaining(named) });
  });

  it('refuses an address that belongs to another node than was dialled', () => {
    expect(judgeHello(hello, identity, c)).toMatchObject({
      reason: 'wrongRecipient',
      message: '"c:1" was asked for, but this is "a:1": write its address alike on all nodes.',
    });
  });

  it('takes an observer where observers are allowed, and only there', () => {
    const observer = { ...hello, from: observerId(incarnationOf('e')), incarnation: incarnationOf('e') };

    expect(judgeHello(observer, identity, null)).toBeNull();
    expect(judgeHello(observer, { ...identity, allowObservers: false }, null)).toMatchObject({ reason: 'unknownNode' });
  });
});

describe('settings', () => {
  const differing = { commandBytes: '64', members: 'a:1,b:1' };

  it.each([
    ['a peer that dialled', hello, null],
    ['the peer that it dialled', { ...hello, from: c, incarnation: incarnationOf('c') }, c],
    ['an observer', { ...hello, from: observerId(incarnationOf('e')), incarnation: incarnationOf('e') }, null],
  ])('that differ are a reason to refuse %s', (_what, other, dialled) => {
    const refusal = judgeHello({ ...other, settings: differing }, identity, dialled);

    expect(refusal).toEqual({
      reason: 'differentSettings',
      message:
        'The setting "members" must be the same on all nodes: ' +
        `"a:1,b:1,c:1" at "b:1", "a:1,b:1" at "${other.from}".`,
    });
  });

  it('matter less than who the other side is', () => {
    const stranger = { ...hello, from: nodeId('nobody'), settings: differing };

    expect(judgeHello(stranger, identity, null)).toMatchObject({ reason: 'unknownNode' });
  });

  it.each([
    [
      'missing there',
      { members: 'a:1,b:1,c:1' },
      '"commandBytes" must be the same on all nodes: "64" at "b:1", nothing at',
    ],
    ['missing here', { ...identity.settings, a: '' }, '"a" must be the same on all nodes: nothing at "b:1", "" at'],
    ['named as objects name theirs', { ...identity.settings, toString: '' }, '"toString" must be the same'],
    ['of several, the first by name', { members: '', commandBytes: '' }, '"commandBytes" must be the same'],
    ['full of line breaks', { ...identity.settings, commandBytes: '\n' }, '"64" at "b:1", "\\n" at "a:1"'],
  ])('that differ are named: one %s', (_what, settings, named) => {
    const refusal = judgeHello({ ...hello, settings }, identity, null);

    expect(refusal).toMatchObject({ reason: 'differentSettings', message: expect.stringContaining(named) });
  });

  it('with long values are shown where they differ', () => {
    const long = (middle: string): Settings => ({ objects: `${'x'.repeat(400)}${middle}${'y'.repeat(100)}` });

    const refusal = judgeHello({ ...hello, settings: long('B') }, { ...identity, settings: long('A') }, null)!;

    expect(refusal.message).toContain(`…"${'x'.repeat(20)}A${'y'.repeat(79)}"… at "b:1"`);
    expect(refusal.message).toContain(`…"${'x'.repeat(20)}B${'y'.repeat(79)}"… at "a:1"`);
  });

  it('are compared whatever they are, and what is said of them fits into a refusal', () => {
    const settings = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', maxLength: 200 }));
    fc.assert(
      fc.property(settings, settings, (ours, theirs) => {
        const refusal = judgeHello({ ...hello, settings: theirs }, { ...identity, settings: ours }, null);
        const areEqual = settingFields(ours).join('\0') === settingFields(theirs).join('\0');
        expect(refusal === null).toBe(areEqual);
        if (refusal === null) return;
        expect(readRefusal(written((sink) => writeRefusal(refusal, sink)))).toMatchObject({
          reason: 'differentSettings',
        });
      }),
      { numRuns: 100 },
    );
  });

  it('fit into a hello of their greatest size, beside the longest history, and no more are taken', () => {
    const longest = Array.from({ length: CODE_VERSIONS_MAX }, (_, i) => {
      return { version: 999_999_990 + i, news: 'x'.repeat(NEWS_BYTES_MAX), all: 'f'.repeat(32) };
    });
    const most = { members: 'x'.repeat(1_012) };
    const long = nodeId(`${'h'.repeat(253)}:65535`);
    const largest = { ...hello, cluster: '漢'.repeat(256), from: long, to: long, settings: most, code: longest };

    expect(() => checkSettings(most)).not.toThrow();
    const frame = written((sink) => writeHello(largest, sink));
    expect(frame.meta.length).toBeLessThanOrEqual(META_BYTES_MAX);
    expect(readHello(frame)).toEqual(largest);
    const refused = expect.objectContaining({
      code: 'ERR_INVALID_OPTION',
      data: expect.objectContaining({ option: 'settings' }),
    });
    expect(() => checkSettings({ members: 'x'.repeat(2_037) })).toThrow(refused);
    expect(() => checkSettings(Object.fromEntries(Array.from({ length: 17 }, (_, i) => [i, ''])))).toThrow(refused);
  });
});

describe('who dials', () => {
  it('is exactly one of two nodes, and never the one that an observer talks to', () => {
    const observer = observerId(incarnationOf('0'));

    expect([isDialer(a, b), isDialer(b, a)]).toEqual([true, false]);
    expect([isDialer(observer, a), isDialer(a, observer)]).toEqual([true, false]);
    expect([isDialer(observer, nodeId('z:1')), isDialer(nodeId('z:1'), observer)]).toEqual([true, false]);
  });

  it('can tell an observer from a node', () => {
    expect([observerId(incarnationOf('0')), nodeId('observer-000000000000:1'), a].map(isObserverId)).toEqual([
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
