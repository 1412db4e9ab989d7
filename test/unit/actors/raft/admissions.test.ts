/** Who is admitted follows the log, wherever that is cut off, dropped or replaced. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  admissionContent,
  Admissions,
  decodeAdmissions,
  type Admission,
} from '../../../../src/actors/raft/admissions.js';
import { EntryKind } from '../../../../src/actors/raft/entry.js';
import { crc32 } from '../../../../src/checksum.js';
import { incarnation, logIndex, nodeId } from '../../../../src/ids.js';

const [A, B, C] = ['a', 'b', 'c'].map(nodeId) as [Admission[0], Admission[0], Admission[0]];
const FOUNDERS: readonly Admission[] = [
  [A, incarnation('a1')],
  [B, incarnation('b1')],
];

function append(admissions: Admissions, index: number, ...changes: Admission[]): void {
  admissions.appended(logIndex(index), admissionContent(changes).payload);
}

describe('admissions', () => {
  test('are none before a cluster is founded', () => {
    const admissions = new Admissions([]);
    expect(admissions.isFounded).toBe(false);
    expect(admissions.of(A)).toBeNull();
    expect(admissions.lastIndex).toBe(0);
  });

  test('count from where they are appended, and change what they name', () => {
    const admissions = new Admissions(FOUNDERS);
    append(admissions, 5, [B, null]);
    append(admissions, 7, [B, incarnation('b2')], [C, incarnation('c1')]);
    expect([A, B, C].map((id) => admissions.of(id))).toEqual(['a1', 'b2', 'c1']);
    expect(admissions.lastIndex).toBe(7);
  });

  test('of one who does not count at present are not those of a cluster that is yet to be founded', () => {
    const admissions = new Admissions([[A, null]]);
    expect(admissions.isFounded).toBe(true);
    expect(admissions.of(A)).toBeNull();
  });

  test('are known as of any index that has not been dropped', () => {
    const admissions = new Admissions(FOUNDERS);
    append(admissions, 5, [B, null]);
    append(admissions, 7, [B, incarnation('b2')]);
    admissions.dropTo(logIndex(5));
    const lifeOfB = (index: number) => new Map(admissions.at(logIndex(index))).get(B);
    expect([5, 6, 7, 8].map(lifeOfB)).toEqual([null, null, 'b2', 'b2']);
    expect(admissions.lastIndex).toBe(7);
  });

  test('are taken back where the log is cut off, to what has been dropped at most', () => {
    const admissions = new Admissions(FOUNDERS);
    append(admissions, 5, [B, null]);
    append(admissions, 7, [B, incarnation('b2')]);
    admissions.dropTo(logIndex(6));
    admissions.truncateAfter(logIndex(7));
    expect(admissions.of(B)).toBe('b2');
    admissions.truncateAfter(logIndex(6));
    expect(admissions.of(B)).toBeNull();
    expect(admissions.lastIndex).toBe(0);
  });

  test('that founded a cluster are taken back with their entry', () => {
    const admissions = new Admissions([]);
    append(admissions, 1, ...FOUNDERS);
    admissions.truncateAfter(logIndex(0));
    expect(admissions.isFounded).toBe(false);
  });

  test('are those of a snapshot that takes the place of the log', () => {
    const admissions = new Admissions(FOUNDERS);
    append(admissions, 5, [B, null]);
    admissions.resetTo([[A, incarnation('a9')]]);
    expect(admissions.at(logIndex(9))).toEqual([[A, 'a9']]);
    expect([admissions.of(B), admissions.lastIndex]).toEqual([null, 0]);
  });

  test('are at each index what the entries up to there say, whatever is done to the log', () => {
    const node = fc.constantFrom(A, B, C);
    const change = fc.tuple(node, fc.option(fc.constantFrom('1', '2', '3').map(incarnation)));
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.record({ act: fc.constant('append' as const), change, skip: fc.nat(2) }) },
      {
        weight: 1,
        arbitrary: fc.record({ act: fc.constantFrom('truncate' as const, 'drop' as const), share: fc.nat(4) }),
      },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
        const admissions = new Admissions(FOUNDERS);
        let said: { index: number; change: Admission }[] = [];
        let [dropped, last] = [0, 0];
        for (const op of operations) {
          if (op.act === 'append') {
            last += 1 + op.skip;
            append(admissions, last, op.change);
            said.push({ index: last, change: op.change });
            continue;
          }
          const index = dropped + Math.floor(((last - dropped) * op.share) / 4);
          if (op.act === 'drop') {
            admissions.dropTo(logIndex(index));
            dropped = index;
          } else {
            admissions.truncateAfter(logIndex(index));
            said = said.filter((each) => each.index <= index);
            last = index;
          }
        }
        for (let index = dropped; index <= last; index++) {
          const expected = new Map(FOUNDERS);
          for (const each of said) if (each.index <= index) expected.set(...each.change);
          expect(new Map(admissions.at(logIndex(index)))).toEqual(expected);
          if (index === last) for (const id of [A, B, C]) expect(admissions.of(id)).toBe(expected.get(id) ?? null);
        }
      }),
    );
  });
});

describe('the entry that admits', () => {
  test('is read back as it was made', () => {
    const changes: Admission[] = [
      [A, incarnation('a1')],
      [B, null],
    ];
    const { kind, payload, crc } = admissionContent(changes);
    expect(kind).toBe(EntryKind.admission);
    expect(crc).toBe(crc32(payload));
    expect(decodeAdmissions(payload)).toEqual(changes);
  });

  test.each(['', 'no JSON', '{}', '[["a"]]', '[["a","b","c"]]', '[[1,"a1"]]', '[["a",2]]', '["a"]', 'null'])(
    'is refused where it says %s',
    (text) => {
      expect(() => decodeAdmissions(new TextEncoder().encode(text))).toThrow(
        expect.objectContaining({ code: 'ERR_PROTOCOL' }),
      );
    },
  );

  test('is refused where it is no text', () => {
    expect(() => decodeAdmissions(Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d))).toThrow(
      expect.objectContaining({ code: 'ERR_PROTOCOL' }),
    );
  });
});
