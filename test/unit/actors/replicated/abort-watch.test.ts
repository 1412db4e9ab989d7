import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { AbortWatch } from '../../../../src/actors/replicated/abort-watch.js';

describe('AbortWatch', () => {
  it('listens to a signal once, and not at all once nobody waits', () => {
    const watch = new AbortWatch();
    const { signal } = new AbortController();

    const forgets = Array.from({ length: 100 }, () => watch.add(signal, () => {}));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const forget of forgets) forget();

    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('tells all that wait, and none that waits no more', () => {
    const watch = new AbortWatch();
    const controller = new AbortController();
    const told: string[] = [];
    const forget = watch.add(controller.signal, () => told.push('a'));
    watch.add(controller.signal, () => told.push('b'));

    forget();
    forget();
    controller.abort();

    expect(told).toEqual(['b']);
  });

  it('watches a signal again after everybody had left', () => {
    const watch = new AbortWatch();
    const controller = new AbortController();
    const told: string[] = [];
    watch.add(controller.signal, () => told.push('a'))();

    watch.add(controller.signal, () => told.push('b'));
    controller.abort();

    expect(told).toEqual(['b']);
  });
});
