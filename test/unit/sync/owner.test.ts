/** Somebody whose process begins anew, while what it held before has not expired. */

import { beforeEach, describe, expect, it } from 'vitest';
import { PERMITS_MAX } from '../../../src/actors/coordination/coordination.js';
import type { ClaimTerms } from '../../../src/sync/backend.js';
import { Claiming } from '../../../src/sync/claiming.js';
import { Held, type HeldClaim } from '../../../src/sync/held.js';
import { memory } from '../../../src/sync/memory.js';
import { CutOffBackend } from './support/cut-off-backend.js';
import { ManualTime, settled } from './support/manual-time.js';

const TTL_MS = 1_000;
const TERMS: ClaimTerms = {
  name: 'x',
  of: PERMITS_MAX,
  permits: PERMITS_MAX,
  isWaiting: false,
  value: null,
  owner: 'me',
};

describe('an owner that begins anew', () => {
  let time: ManualTime;
  let cutOff: CutOffBackend;
  let before: Claiming;
  let after: Claiming;

  beforeEach(() => {
    time = new ManualTime();
    const backend = memory(time);
    cutOff = new CutOffBackend(backend);
    before = new Claiming(cutOff);
    after = new Claiming(backend);
  });

  function claim(claiming: Claiming, terms = TERMS): Promise<Held | null> {
    return claiming.tryAcquire(terms, TTL_MS, {}, (held: HeldClaim) => new Held(held));
  }

  it('has at once what it held, with a greater token, and whoever it was before is told', async () => {
    const former = await claim(before);

    const held = await claim(after);

    expect(held!.token).toBeGreaterThan(former!.token);
    expect(await former!.lost).toMatchObject({ code: 'ERR_LOCK_LOST' });
  });

  it('keeps it when the session of before ends', async () => {
    await claim(before);
    cutOff.isCutOff = true;

    const held = await claim(after);
    await time.pass(3 * TTL_MS);

    expect([held!.held, await claim(after, { ...TERMS, owner: 'you' })]).toEqual([true, null]);
  });

  it('keeps what it is granted before it hears what its session had at first', async () => {
    const held = await claim(before);

    await settled();

    expect(held!.held).toBe(true);
  });
});
