/** What is kept of what changes, and for whom. */

import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ArrayWriter } from '../../../../../src/actors/replicated/array-writer.js';
import { decodeChanges, placeIn, type ChangeBatch } from '../../../../../src/actors/replicated/changes/change-batch.js';
import type { ChangePlace } from '../../../../../src/actors/replicated/changes/change-place.js';
import { ChangeRecorder } from '../../../../../src/actors/replicated/changes/change-recorder.js';
import { CHANGES_KEPT_BYTES_MAX, CHANGES_KEPT_MAX } from '../../../../../src/actors/replicated/changes/change-row.js';
import { ValueCodec } from '../../../../../src/actors/replicated/value-codec.js';

const codec = new ValueCodec();
const place = (index: number, command = 0, change = 0): ChangePlace => ({ index, command, change });
const set = (key: string, value: unknown): object => ({ type: 'set', key, value });

describe('ChangeRecorder', () => {
  let recorder: ChangeRecorder;

  beforeEach(() => {
    recorder = new ChangeRecorder('prices', codec);
  });

  const changesIn = (batch: ChangeBatch | null): unknown[] | null => batch && decodeChanges(batch, codec);
  function told(): { places: ChangePlace[]; changes: unknown[] } {
    const news = recorder.takeNews(new ArrayWriter());
    if (news.type === 'lost') throw news.error;
    const changes = decodeChanges(news.batch, codec);
    return { places: changes.map((_, i) => placeIn(news.batch, i)), changes };
  }
  const resumed = (from: ChangePlace, next: number, key?: string): unknown[] | null =>
    changesIn(recorder.begin(key, from, place(next)));

  it('records while somebody watches, and says where each change lies', () => {
    expect(recorder.isRecording).toBe(false);
    recorder.begin(undefined, null, place(5));

    recorder.record(5, 0, 'a');
    recorder.record(5, 3, 'b');
    recorder.record(5, 3, 'c');

    expect(recorder.isRecording).toBe(true);
    expect(told()).toEqual({ places: [place(5), place(5, 3), place(5, 3, 1)], changes: ['a', 'b', 'c'] });
    expect(told().changes).toEqual([]);
  });

  it('tells whatever can be encoded as it was, of whatever shape it is', () => {
    const value = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.boolean(), fc.constantFrom(null, undefined, -0));
    const change = fc.oneof(
      fc.anything(),
      fc.dictionary(fc.constantFrom('type', 'key', 'value', '__proto__', '\uFEFF', '7'), value, {
        noNullPrototype: true,
      }),
    );
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        recorder = new ChangeRecorder('prices', codec);
        recorder.begin(undefined, null, place(5));
        const encodable = changes.filter((each) => isEncodable(each));

        for (const [i, each] of encodable.entries()) recorder.record(5, i, each);

        expect(told().changes).toStrictEqual(encodable.map((each) => codec.decode(codec.encodeInto(each))));
      }),
    );
  });

  it('tells changes of more shapes than it keeps in mind', () => {
    const changes = Array.from({ length: 100 }, (_, i) => ({ type: 'set', [`property${i}`]: i }));
    recorder.begin(undefined, null, place(5));

    for (const [i, change] of changes.entries()) recorder.record(5, i, change);

    expect(told().changes).toEqual(changes);
  });

  it('tells keys apart as Map does when one goes on', () => {
    const keys = ['1', 1, 1n, true, 'true', 0, -0, Number.NaN, 'key1', 'key2', -1, 0.5];
    for (const key of keys) {
      recorder = new ChangeRecorder('prices', codec);
      recorder.begin(undefined, null, place(5));
      for (const [i, each] of keys.entries()) recorder.record(5, i, { key: each, i });

      const changes = changesIn(recorder.begin(key, place(5), place(6)));

      const expected = keys.flatMap((each, i) => (new Set([each]).has(key) ? [{ key: each, i }] : []));
      expect(changes).toEqual(expected);
    }
  });

  it('counts what nobody watches, so that places are the same on every node', () => {
    recorder.begin('tea', null, place(5));

    recorder.record(5, 0, set('milk', 1));
    recorder.record(5, 0, set('tea', 2));
    recorder.record(5, 0, { type: 'clear' });

    expect(told()).toEqual({
      places: [place(5, 0, 1), place(5, 0, 2)],
      changes: [set('tea', 2), { type: 'clear' }],
    });
  });

  it('takes back what a command has told of that throws, and nothing else', () => {
    recorder.begin(undefined, null, place(5));
    recorder.record(5, 0, 'a');
    recorder.record(5, 1, 'b');
    recorder.record(5, 1, 'c');

    recorder.takeBack(5, 1);
    recorder.takeBack(5, 2);

    expect(told().changes).toEqual(['a']);
  });

  it('gives one who goes on what lies behind, for its key', () => {
    recorder.begin(undefined, null, place(5));
    recorder.record(5, 0, set('tea', 1));
    recorder.record(6, 0, set('milk', 2));
    recorder.record(6, 1, set('tea', 3));
    recorder.record(6, 1, { type: 'clear' });

    expect(resumed(place(6, 1), 7)).toEqual([set('tea', 3), { type: 'clear' }]);
    expect(resumed(place(5, 0, 1), 7, 'milk')).toEqual([set('milk', 2), { type: 'clear' }]);
    expect(resumed(place(4), 7)).toBeNull();
  });

  it('knows nothing of a key from before it was watched', () => {
    recorder.begin('tea', null, place(5));
    recorder.record(5, 0, set('milk', 1));

    expect(resumed(place(5), 6, 'milk')).toBeNull();
    expect(resumed(place(5), 6)).toBeNull();
    expect(resumed(place(6), 6)).toEqual([]);
  });

  it('keeps so many and drops the oldest, and knows that it has', () => {
    recorder.begin(undefined, null, place(1));
    for (let index = 1; index <= CHANGES_KEPT_MAX; index++) recorder.record(index, 0, index);
    recorder.takeNews(new ArrayWriter());

    recorder.record(CHANGES_KEPT_MAX + 1, 0, 'one more');

    expect(told().changes).toEqual(['one more']);
    expect(resumed(place(1), CHANGES_KEPT_MAX + 2)).toBeNull();
    const kept = resumed(place(CHANGES_KEPT_MAX / 2), CHANGES_KEPT_MAX + 2)!;
    expect(kept).toHaveLength(CHANGES_KEPT_MAX / 2 + 2);
    expect(kept.at(-1)).toBe('one more');
  });

  it('takes back across what it keeps together', () => {
    recorder.begin(undefined, null, place(1));
    recorder.record(1, 0, 'a');
    for (let change = 0; change < 3_000; change++) recorder.record(2, 0, change);
    recorder.takeBack(2, 0);
    recorder.record(3, 0, 'b');

    expect(told()).toEqual({ places: [place(1), place(3)], changes: ['a', 'b'] });
    expect(resumed(place(1, 0, 1), 4)).toEqual(['b']);
  });

  it('keeps so many bytes', () => {
    recorder.begin(undefined, null, place(1));
    const large = 'x'.repeat(CHANGES_KEPT_BYTES_MAX / 4);
    for (let index = 1; index <= 5; index++) {
      recorder.record(index, 0, large);
      recorder.takeNews(new ArrayWriter());
    }

    expect(resumed(place(2), 6)).toBeNull();
    expect(resumed(place(3), 6)).toHaveLength(3);
  });

  it('says that it has lost what was dropped before it was told, and begins anew', () => {
    recorder.begin(undefined, null, place(1));
    for (let change = 0; change <= CHANGES_KEPT_MAX; change++) recorder.record(1, 0, change);

    expect(told).toThrow(expect.objectContaining({ code: 'ERR_CHANGES_LOST' }));
    expect(recorder.isRecording).toBe(false);
    recorder.begin(undefined, null, place(2));
    recorder.record(2, 0, 'a');
    expect(told().changes).toEqual(['a']);
  });

  it('does not throw into a command that tells what cannot be encoded', () => {
    recorder.begin(undefined, null, place(1));

    recorder.record(1, 0, { inner: () => 1 });

    expect(told).toThrow(expect.objectContaining({ code: 'ERR_CHANGES_LOST' }));
  });

  it('goes on recording for a while when nobody watches any more', () => {
    recorder.begin(undefined, null, place(1));
    recorder.begin('tea', null, place(1));
    recorder.end(undefined, 100);
    recorder.record(1, 0, set('milk', 1));

    recorder.forgetIdle(99);
    const before = resumed(place(1), 2);
    recorder.end(undefined, 200);
    recorder.forgetIdle(200);
    recorder.record(2, 0, set('milk', 2));

    expect(before).toEqual([set('milk', 1)]);
    expect(resumed(place(2), 3)).toBeNull();
    expect(recorder.isRecording).toBe(true);
    recorder.end('tea', 300);
    recorder.forgetIdle(300);
    expect(recorder.isRecording).toBe(false);
  });
});

function isEncodable(value: unknown): boolean {
  try {
    codec.encodeInto(value, 'change', 2);
    return true;
  } catch {
    return false;
  }
}
