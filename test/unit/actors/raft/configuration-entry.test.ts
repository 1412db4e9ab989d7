/** A configuration is read back from its entry as it was made, and nothing else is taken for one. */

import { describe, expect, test } from 'vitest';
import { configurationOf, majorityConfiguration } from '../../../../src/actors/raft/configuration.js';
import {
  configurationContent,
  decodeConfiguration,
  encodeConfiguration,
} from '../../../../src/actors/raft/configuration-entry.js';
import { EntryKind } from '../../../../src/actors/raft/entry.js';
import { crc32 } from '../../../../src/checksum.js';
import { incarnation, nodeId, type NodeId } from '../../../../src/ids.js';

const [A, B, C, D] = ['a:1', 'b:1', 'c:1', 'd:1'].map(nodeId) as [NodeId, NodeId, NodeId, NodeId];

const SIMPLE = configurationOf({
  ...majorityConfiguration([A, B]),
  admitted: new Map([[A, incarnation('a1')]]),
});
const JOINT = configurationOf({
  ...SIMPLE,
  voters: [A, C],
  old: { voters: [A, B], rule: 'majority' },
  learners: [{ id: D, replaces: A }],
  admitted: new Map([
    [A, incarnation('a1')],
    [C, incarnation('c1')],
  ]),
});

test.each([
  ['simple', SIMPLE],
  ['joint', JOINT],
])('a %s one is read back as it was made', (_, configuration) => {
  const { kind, payload, crc } = configurationContent(configuration);
  const { quorum: _quorum, ...parts } = configuration;
  expect(kind).toBe(EntryKind.configuration);
  expect(crc).toBe(crc32(payload));
  expect(decodeConfiguration(payload)).toMatchObject(parts);
});

test('the order in which incarnations were let in makes no difference to the entry', () => {
  const admitted = new Map([...JOINT.admitted].toReversed());
  expect(encodeConfiguration(configurationOf({ ...JOINT, admitted }))).toEqual(encodeConfiguration(JOINT));
});

describe('what says', () => {
  const good = { voters: ['a', 'b'], rule: 'majority', learners: [], admitted: [['a', 'a1']] };

  test.each<[string, unknown]>([
    ['nothing', null],
    ['a list', []],
    ['no voters', { ...good, voters: [] }],
    ['voters that are no names', { ...good, voters: [1, 2] }],
    ['a voter twice', { ...good, voters: ['a', 'a'] }],
    ['too many voters', { ...good, voters: Array.from({ length: 16 }, (_, i) => `a${i}`) }],
    ['a rule of another version', { ...good, rule: { election: 4, commit: 2 } }],
    ['old voters that are none', { ...good, old: { voters: [], rule: 'majority' } }],
    ['no learners', { ...good, learners: undefined }],
    ['a learner that votes', { ...good, learners: [['a', null]] }],
    ['a learner in the place of nobody', { ...good, learners: [['c', 'd']] }],
    ['a learner that is no pair', { ...good, learners: ['c'] }],
    ['an incarnation of one who does not vote', { ...good, admitted: [['c', 'c1']] }],
    [
      'two incarnations of one',
      {
        ...good,
        admitted: [
          ['a', 'a1'],
          ['a', 'a2'],
        ],
      },
    ],
    ['an incarnation that is none', { ...good, admitted: [['a', null]] }],
  ])('%s is refused', (_, parts) => {
    const payload = new TextEncoder().encode(JSON.stringify(parts));
    expect(() => decodeConfiguration(payload)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
  });

  test('no JSON, or no text at all, is refused', () => {
    for (const payload of [Uint8Array.of(), Uint8Array.of(0x5b), Uint8Array.of(0x22, 0xff, 0x22)]) {
      expect(() => decodeConfiguration(payload)).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
    }
  });
});
