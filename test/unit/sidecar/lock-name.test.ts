import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lockNameInPath, lockNameOf } from '../../../src/sidecar/lock-name.js';
import { NAME_BYTES_MAX as CLAIM_BYTES_MAX } from '../../../src/actors/coordination/coordination.js';

/** Each byte as a character or escaped. */
function spelled(bytes: Uint8Array, isEscaped: (byte: number) => boolean): string {
  return Array.from(bytes, (byte) => {
    const mustBe = byte === 0x25;
    return mustBe || isEscaped(byte) ? `%${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte);
  }).join('');
}

const anyBytes = fc.uint8Array({ maxLength: 512 });

describe('the name of a lock in a path', () => {
  it('is the same in whichever spelling', () => {
    fc.assert(
      fc.property(anyBytes, fc.func(fc.boolean()), (bytes, isEscaped) => {
        const escaped = lockNameInPath(spelled(bytes, () => true)).claimed;

        expect(lockNameInPath(spelled(bytes, isEscaped)).claimed).toBe(escaped);
      }),
    );
  });

  it('is that of no other bytes', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        const [one, other] = [a, b].map((bytes) => lockNameInPath(spelled(bytes, () => true)).claimed);

        expect(one === other).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });

  it('is never longer than a claim may be', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const { claimed } = lockNameInPath(spelled(bytes, () => true));

        expect(Buffer.byteLength(claimed)).toBeLessThanOrEqual(CLAIM_BYTES_MAX);
      }),
    );
  });

  it('is that of conclave/sync where it is text', () => {
    expect(lockNameInPath('d%C3%BCr')).toEqual({ shown: 'dür', claimed: 'lock/dür' });
    expect(lockNameOf('dür')).toEqual(lockNameInPath('d%C3%BCr'));
  });

  it('keeps what looks like an escape and is none', () => {
    expect(['%', '%4', '%zz', '%%41'].map((path) => lockNameInPath(path).shown)).toEqual(['%', '%4', '%zz', '%A']);
  });
});
