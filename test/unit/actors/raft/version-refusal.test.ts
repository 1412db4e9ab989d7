/** How a refusal of a code version travels. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VersionRefusal } from '../../../../src/actors/raft/effects.js';
import { decodeVersionRefusal, encodeVersionRefusal } from '../../../../src/actors/raft/version-refusal.js';
import { ConclaveError } from '../../../../src/errors.js';
import { nodeId } from '../../../../src/ids.js';

describe('what is read', () => {
  test.each<VersionRefusal | null>([
    null,
    { reason: 'no leader' },
    { reason: 'under way' },
    { reason: 'lower', current: 7 },
    { reason: 'unsupported', lacking: [] },
    {
      reason: 'unsupported',
      lacking: [
        [nodeId('a:1'), 0],
        [nodeId('b:1'), null],
      ],
    },
  ])('is what was written: %j', (refusal) => {
    expect(decodeVersionRefusal(encodeVersionRefusal(refusal))).toEqual(refusal);
  });

  test.each([
    'x',
    'null',
    '7',
    '[]',
    '{}',
    '{"reason":"unanswered"}',
    '{"reason":"no mood"}',
    '{"reason":"lower"}',
    '{"reason":"lower","current":-1}',
    '{"reason":"unsupported","lacking":7}',
    '{"reason":"unsupported","lacking":[["a:1"]]}',
    '{"reason":"unsupported","lacking":[[1,2]]}',
    '{"reason":"unsupported","lacking":[["a:1",0.5]]}',
  ])('is no %s', (text) => {
    expect(() => decodeVersionRefusal(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'ERR_PROTOCOL' }));
  });

  test('is a refusal or a typed error, whatever the bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (noise) => {
        try {
          decodeVersionRefusal(noise);
        } catch (error) {
          expect(error).toBeInstanceOf(ConclaveError);
        }
      }),
    );
  });
});
