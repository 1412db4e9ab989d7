import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { InlinePlacement } from '../../../src/node/inline-placement.js';
import type { NodeParts } from '../../../src/node/placement.js';
import type { Actor, Reply } from '../../../src/runtime/actor.js';
import { silentLogger } from '../../../src/runtime/logger.js';

interface Said {
  readonly type: string;
}

/** Notes what it is asked, and answers with nothing; to be told when to answer `heldBack`. */
class Answering implements Actor<Said> {
  readonly asked: string[] = [];
  held: Reply | null = null;
  readonly #heldBack: string;

  constructor(heldBack = '') {
    this.#heldBack = heldBack;
  }

  receive({ type }: Said, reply: Reply): void {
    this.asked.push(type);
    if (type === this.#heldBack) this.held = reply;
    else
      reply.ok(
        type === 'openSnapshots'
          ? { kept: [], unreadable: null, damaged: null }
          : { hardState: null, base: { index: 0 }, pieces: [] },
      );
  }
}

describe('a placement that is stopped twice', () => {
  test('closes the log once, and is stopped for nobody before that is done', async () => {
    const snapshotter = new Answering('closeSnapshots');
    const logStore = new Answering();
    const placement = new InlinePlacement(
      { logger: silentLogger, autoTick: true, placement: { threads: [null], places: new Map() } },
      { onFailure: (error) => expect.unreachable(error.stack), onMachineLost: () => {}, onMachineBack: () => {} },
      {
        consensus: () => new Answering(),
        machine: () => new Answering(),
        snapshotter: () => snapshotter,
        logStore: () => logStore,
      },
    );
    await placement.start({
      consensus: { group: 0 },
      machines: [{}],
      snapshotter: {},
      logStore: {},
    } as unknown as NodeParts);
    const over: string[] = [];
    const first = placement.stop().then(() => over.push('first'));
    const second = placement.stop().then(() => over.push('second'));
    for (let turns = 0; turns < 10; turns++) await nextTurn();
    expect(over).toEqual([]);
    snapshotter.held!.ok();
    await Promise.all([first, second]);
    expect(logStore.asked).toEqual(['recoverLog', 'closeLog']);
  });
});
