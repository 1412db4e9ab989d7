/** One watch: what is read of it, what ends it, and where it stands. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { ChangePlace } from '../../../../../src/actors/replicated/changes/change-place.js';
import {
  CHANGES_WAITING_BYTES_MAX,
  CHANGES_WAITING_MAX,
  Watch,
  type Piece,
} from '../../../../../src/actors/replicated/changes/watch.js';
import { ConclaveError } from '../../../../../src/errors.js';
import { errorOf } from '../error-of.js';

const place = (index: number, command = 0, change = 0): ChangePlace => ({ index, command, change });
/** One change of each entry from `index` on. */
const piece = (index: number, count = 1, bytes = 0): Piece => ({
  values: Array.from({ length: count }, (_, i) => `change ${index + i}`),
  places: Float64Array.from({ length: 3 * count }, (_, i) => (i % 3 === 0 ? index + i / 3 : 0)),
  bytes,
});
const given = (value: unknown): unknown => ({ done: false, value });
const over = { done: true, value: undefined };

describe('Watch', () => {
  let watch: Watch;
  let ended: number;

  beforeEach(() => {
    ended = 0;
    watch = new Watch({ name: 'prices', upTo: place(0) }, undefined, () => void ended++);
  });

  const begin = (from = place(5), startsAt = from, pieces: Piece[] = []): void => watch.begin(from, startsAt, pieces);

  it('gives what it is told, to those who waited first', async () => {
    const first = watch.next();
    const second = watch.next();

    begin();
    watch.add(piece(5, 3));

    expect(await Promise.all([first, second, watch.next()])).toEqual(
      ['change 5', 'change 6', 'change 7'].map((value) => given(value)),
    );
  });

  it('is told nothing before it has begun', async () => {
    watch.add(piece(4));
    begin();
    watch.add(piece(5));

    expect(await watch.next()).toEqual(given('change 5'));
  });

  it('leaves out what lies before the place from which it is to be told', async () => {
    begin(place(3), place(5), [piece(3), piece(4)]);
    watch.add(piece(3, 3));
    watch.add(piece(6));

    const read = [await watch.next(), await watch.next(), await watch.next(), await watch.next()];

    expect(read).toEqual(['change 3', 'change 4', 'change 5', 'change 6'].map((value) => given(value)));
  });

  it('says where it stands: behind what was read, or behind all when there is nothing to read', async () => {
    expect(watch.at).toBeNull();
    begin();
    expect(watch.at).toEqual(place(5));
    watch.add(piece(7, 2));
    watch.object.upTo = place(20);
    expect(watch.at).toEqual(place(5));

    await watch.next();
    expect(watch.at).toEqual(place(7, 0, 1));
    await watch.next();
    expect(watch.at).toEqual(place(20));
  });

  it('stands where it stood when it ends', async () => {
    begin();
    watch.add(piece(7, 2));
    await watch.next();

    await watch.return();
    watch.object.upTo = place(20);

    expect(watch.at).toEqual(place(7, 0, 1));
  });

  it.each([
    ['changes', CHANGES_WAITING_MAX, 0],
    ['bytes', 1, CHANGES_WAITING_BYTES_MAX],
  ])('takes one piece of any size, and ends when too many %s wait', async (_what, count, bytes) => {
    begin();

    watch.add(piece(5, count, bytes));
    expect(ended).toBe(0);
    watch.add(piece(5 + count, 1, 1));

    expect(ended).toBe(1);
    expect((await errorOf(() => watch.next())).code).toBe('ERR_WATCHER_BEHIND');
    expect(await watch.next()).toEqual(over);
  });

  it('gives those who read in batches what became known together, and what is left of it', async () => {
    const batches = watch.batches();
    const first = batches.next();
    begin();
    const shared = piece(5, 3);
    watch.add(shared);
    watch.add(piece(8, 3));

    const one = await watch.next();
    const rest = await batches.next();
    const at = watch.at;
    const later = batches.next();
    watch.add(piece(11));

    expect((await first).value).toBe(shared.values);
    expect(one).toEqual(given('change 8'));
    expect(rest).toEqual(given(['change 9', 'change 10']));
    expect(at).toEqual(place(10, 0, 1));
    expect(await later).toEqual(given(['change 11']));
  });

  it('forgets the size of batches that have been read', async () => {
    begin();
    const batches = watch.batches();
    for (let index = 5; index < 10; index++) {
      watch.add(piece(index, CHANGES_WAITING_MAX, CHANGES_WAITING_BYTES_MAX));
      await batches.next();
    }

    expect(ended).toBe(0);
  });

  it('ends when one leaves a loop over its batches, and tells one who reads them what has ended it', async () => {
    begin();
    watch.add(piece(5));
    for await (const batch of watch.batches()) if (batch.length > 0) break;
    const other = new Watch({ name: 'prices', upTo: place(0) }, undefined, () => {});
    const waiting = errorOf(() => other.batches().next());

    other.end(new ConclaveError('ERR_CHANGES_LOST', 'lost'));

    expect(ended).toBe(1);
    expect((await waiting).code).toBe('ERR_CHANGES_LOST');
  });

  it('forgets the size of what has been read', async () => {
    begin();
    for (let index = 5; index < 10; index++) {
      watch.add(piece(index, 1, CHANGES_WAITING_BYTES_MAX));
      await watch.next();
    }

    expect(ended).toBe(0);
  });

  it('rejects one of those who wait with what ends it, and nobody afterwards', async () => {
    begin();
    const first = errorOf(() => watch.next());
    const second = watch.next();

    watch.end(new ConclaveError('ERR_CHANGES_LOST', 'lost'));

    expect((await first).code).toBe('ERR_CHANGES_LOST');
    expect(await Promise.all([second, watch.next()])).toEqual([over, over]);
  });

  it('rejects those who wait for its beginning when it ends before', async () => {
    const waiting = errorOf(() => watch.begun());

    await watch.return();

    expect((await waiting).code).toBe('ERR_ABORTED');
    expect((await errorOf(() => watch.begun())).code).toBe('ERR_ABORTED');
    expect(await watch.next()).toEqual(over);
  });

  it('ends once', async () => {
    begin();
    watch.end(new ConclaveError('ERR_STOPPED', 'stopped'));

    await watch.return();
    watch.end(null);
    watch.add(piece(5));

    expect(ended).toBe(1);
    expect(await watch.next()).toEqual(over);
  });
});
