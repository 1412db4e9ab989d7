/** What Leases are called: anything goes in, and what comes out is narrow, and never the same for two. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { leaseNameOf } from '../../../../src/sync/index.js';
import { errorOf } from '../../actors/replicated/error-of.js';

const name = fc.string({ unit: 'binary', maxLength: 128 });

it('is a DNS label, whatever the lock is called', () => {
  fc.assert(
    fc.property(name, (lock) => {
      expect(leaseNameOf('lock', lock)).toMatch(/^[a-z]([a-z0-9-]*[a-z0-9])?$/);
      expect(leaseNameOf('lock', lock).length).toBeLessThanOrEqual(63);
    }),
  );
});

it('differs for names that look alike once they are made to fit', () => {
  const names = ['a b', 'a-b', 'A-b', 'a--b', 'a-b-', 'ä', 'ö', '', '-', '\0', 'x'.repeat(200), 'x'.repeat(201)];

  const leases = new Set(names.map((each) => leaseNameOf('lock', each)));

  expect(leases.size).toBe(names.length);
});

it('is the same for ever, and shows what it stands for', () => {
  expect(leaseNameOf('lock', 'db-migrate')).toBe('lock-db-migrate-4d55aa4887ffe81cd2f6');
  expect(leaseNameOf('election', 'db-migrate')).not.toBe(leaseNameOf('lock', 'db-migrate'));
});

it('refuses a kind that is none, and a name that is too long', async () => {
  expect((await errorOf(() => leaseNameOf('mutex' as never, 'x'))).code).toBe('ERR_INVALID_OPTION');
  expect((await errorOf(() => leaseNameOf('lock', 'x'.repeat(513)))).code).toBe('ERR_INVALID_OPTION');
});
