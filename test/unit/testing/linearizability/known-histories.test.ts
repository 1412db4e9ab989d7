/** Histories of which everybody knows whether they are linearizable. */

import { describe, expect, test } from 'vitest';
import { checkLinearizable } from '../../../../src/testing/linearizability/check-linearizable.js';
import type { HistoryCall } from '../../../../src/testing/linearizability/history.js';
import { counterModel, type CounterInput } from '../../../../src/testing/linearizability/models/counter-model.js';
import {
  journalModel,
  type JournalInput,
  type JournalOutput,
} from '../../../../src/testing/linearizability/models/journal-model.js';
import {
  lockModel,
  type LockInput,
  type LockOutput,
} from '../../../../src/testing/linearizability/models/lock-model.js';
import { mapModel, type MapInput, type MapOutput } from '../../../../src/testing/linearizability/models/map-model.js';
import { queueModel, type QueueInput } from '../../../../src/testing/linearizability/models/queue-model.js';
import {
  registerModel,
  type RegisterInput,
  type RegisterOutput,
} from '../../../../src/testing/linearizability/models/register-model.js';
import { answered, applied, refused, unknown } from './support/calls.js';

type Histories<Input, Output> = readonly (readonly [name: string, calls: readonly HistoryCall<Input, Output>[]])[];

describe('a register', () => {
  const right: Histories<RegisterInput<number>, RegisterOutput<number>> = [
    ['nothing has happened', []],
    ['nobody has written', [answered('a', [1, 2], ['read'], 0)]],
    [
      'a read sees the write before it',
      [answered('a', [1, 2], ['write', 1], undefined), answered('b', [3, 4], ['read'], 1)],
    ],
    [
      'a read during a write sees it',
      [answered('a', [1, 4], ['write', 1], undefined), answered('b', [2, 3], ['read'], 1)],
    ],
    [
      'a read during a write does not see it',
      [answered('a', [1, 4], ['write', 1], undefined), answered('b', [2, 3], ['read'], 0)],
    ],
    [
      'a read that begins when a write ends does not see it',
      [answered('a', [1, 2], ['write', 1], undefined), answered('b', [2, 3], ['read'], 0)],
    ],
    [
      'reads that overlap see a write that overlaps both, the second one to begin before it',
      [
        answered('a', [1, 8], ['write', 1], undefined),
        answered('b', [2, 6], ['read'], 1),
        answered('c', [3, 7], ['read'], 0),
      ],
    ],
    [
      'a write of unknown outcome was never applied',
      [unknown('a', 1, ['write', 1]), answered('b', [2, 3], ['read'], 0)],
    ],
    [
      'a write of unknown outcome is applied much later',
      [unknown('a', 1, ['write', 1]), answered('b', [2, 3], ['read'], 0), answered('b', [9, 10], ['read'], 1)],
    ],
    [
      'two writes of unknown outcome are applied in the other order',
      [
        unknown('a', 1, ['write', 1]),
        unknown('b', 2, ['write', 2]),
        answered('c', [3, 4], ['read'], 2),
        answered('c', [5, 6], ['read'], 1),
      ],
    ],
    [
      'a write of unknown outcome is overwritten unseen, and explains why a swap failed',
      [
        unknown('a', 1, ['write', 1]),
        answered('b', [2, 3], ['compareAndSet', 0, 2], false),
        answered('b', [4, 5], ['write', 3], undefined),
        answered('b', [6, 7], ['read'], 3),
      ],
    ],
    [
      'of two swaps that overlap one succeeds',
      [
        answered('a', [1, 4], ['compareAndSet', 0, 1], true),
        answered('b', [2, 3], ['compareAndSet', 0, 2], false),
        answered('c', [5, 6], ['read'], 1),
      ],
    ],
    ['a refused write was not applied', [refused('a', [1, 2], ['write', 1]), answered('b', [3, 4], ['read'], 0)]],
  ];
  test.each(right)('is linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(registerModel(0), calls)).toMatchObject({ kind: 'linearizable' });
  });

  const wrong: Histories<RegisterInput<number>, RegisterOutput<number>> = [
    ['a stale read', [answered('a', [1, 2], ['write', 1], undefined), answered('b', [3, 4], ['read'], 0)]],
    ['a read from the future', [answered('b', [1, 2], ['read'], 1), answered('a', [3, 4], ['write', 1], undefined)]],
    [
      'a read from the future of a write whose outcome is not known',
      [answered('b', [1, 2], ['read'], 1), unknown('a', 3, ['write', 1])],
    ],
    [
      'a value that nobody has written',
      [answered('a', [1, 2], ['write', 1], undefined), answered('b', [3, 4], ['read'], 2)],
    ],
    [
      'a lost update: both swaps have found the same value',
      [answered('a', [1, 4], ['compareAndSet', 0, 1], true), answered('b', [2, 3], ['compareAndSet', 0, 2], true)],
    ],
    [
      'a write of unknown outcome is seen, then unseen',
      [unknown('a', 1, ['write', 1]), answered('b', [2, 3], ['read'], 1), answered('c', [4, 5], ['read'], 0)],
    ],
    [
      'a write during two reads is seen by the first and not by the second',
      [
        answered('a', [1, 6], ['write', 1], undefined),
        answered('b', [2, 3], ['read'], 1),
        answered('c', [4, 5], ['read'], 0),
      ],
    ],
    [
      'one of two writes is seen when both have returned, and later the other one',
      [
        answered('a', [1, 2], ['write', 1], undefined),
        answered('b', [1, 2], ['write', 2], undefined),
        answered('c', [3, 4], ['read'], 1),
        answered('d', [5, 6], ['read'], 2),
      ],
    ],
    [
      'a write that is known to have been applied is not seen',
      [applied('a', [1, 2], ['write', 1]), answered('b', [3, 4], ['read'], 0)],
    ],
    ['a refused write is seen', [refused('a', [1, 2], ['write', 1]), answered('b', [3, 4], ['read'], 1)]],
  ];
  test.each(wrong)('is not linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(registerModel(0), calls)).toMatchObject({ kind: 'notLinearizable' });
  });
});

describe('a counter', () => {
  const right: Histories<CounterInput, number> = [
    [
      'additions that overlap, in the other order',
      [answered('a', [1, 4], ['add', 1], 3), answered('b', [2, 3], ['add', 2], 2), answered('a', [5, 6], ['get'], 3)],
    ],
    [
      'an addition of unknown outcome shows in the next one',
      [unknown('a', 1, ['add', 5]), answered('b', [2, 3], ['add', 1], 6)],
    ],
    [
      'one of two equal additions of unknown outcome was applied',
      [
        unknown('a', 1, ['add', 5]),
        answered('b', [2, 3], ['get'], 0),
        unknown('c', 4, ['add', 5]),
        answered('b', [5, 6], ['get'], 5),
      ],
    ],
    [
      'an addition whose result is lost, between two whose results are known',
      [answered('a', [1, 2], ['add', 1], 1), applied('a', [3, 4], ['add', 1]), answered('a', [5, 6], ['add', 1], 3)],
    ],
  ];
  test.each(right)('is linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(counterModel(), calls)).toMatchObject({ kind: 'linearizable' });
  });

  const wrong: Histories<CounterInput, number> = [
    ['an addition is applied twice', [answered('a', [1, 2], ['add', 1], 1), answered('b', [3, 4], ['get'], 2)]],
    [
      'an addition of unknown outcome is applied twice',
      [unknown('a', 1, ['add', 1]), answered('b', [2, 3], ['get'], 1), answered('b', [4, 5], ['get'], 2)],
    ],
    ['an update is lost', [answered('a', [1, 4], ['add', 1], 1), answered('b', [2, 3], ['add', 1], 1)]],
    [
      'an acknowledged addition is forgotten',
      [answered('a', [1, 2], ['add', 1], 1), answered('a', [3, 4], ['add', 1], 1)],
    ],
    ['an addition has no effect in time', [applied('a', [1, 2], ['add', 1]), answered('b', [3, 4], ['get'], 0)]],
  ];
  test.each(wrong)('is not linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(counterModel(), calls)).toMatchObject({ kind: 'notLinearizable' });
  });
});

describe('a map', () => {
  const right: Histories<MapInput<number>, MapOutput<number>> = [
    [
      'each key has its own history',
      [
        answered('a', [1, 2], ['set', 'x', 1], undefined),
        answered('b', [3, 4], ['get', 'y'], undefined),
        answered('b', [5, 6], ['has', 'x'], true),
        answered('b', [7, 8], ['delete', 'x'], true),
        answered('b', [9, 10], ['get', 'x'], undefined),
      ],
    ],
  ];
  test.each(right)('is linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(mapModel<number>(), calls)).toMatchObject({ kind: 'linearizable' });
  });

  const wrong: Histories<MapInput<number>, MapOutput<number>> = [
    [
      'a key comes back after it was deleted',
      [
        answered('a', [1, 2], ['set', 'x', 1], undefined),
        answered('a', [3, 4], ['delete', 'x'], true),
        answered('b', [5, 6], ['has', 'x'], true),
      ],
    ],
    [
      'two have deleted the same key',
      [
        answered('a', [1, 2], ['set', 'x', 1], undefined),
        answered('a', [3, 6], ['delete', 'x'], true),
        answered('b', [4, 5], ['delete', 'x'], true),
      ],
    ],
  ];
  test.each(wrong)('is not linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(mapModel<number>(), calls)).toMatchObject({ kind: 'notLinearizable', part: 'x' });
  });
});

describe('a lock', () => {
  const right: Histories<LockInput, LockOutput> = [
    [
      'it goes from one to the other',
      [
        answered('a', [1, 2], ['tryAcquire', 'a'], true),
        answered('b', [3, 4], ['tryAcquire', 'b'], false),
        answered('a', [5, 8], ['release', 'a'], true),
        answered('b', [6, 7], ['tryAcquire', 'b'], true),
        answered('c', [9, 10], ['holder'], 'b'),
      ],
    ],
    [
      'a release of unknown outcome has let the other one in',
      [
        answered('a', [1, 2], ['tryAcquire', 'a'], true),
        unknown('a', 3, ['release', 'a']),
        answered('b', [4, 5], ['tryAcquire', 'b'], true),
      ],
    ],
    [
      'whoever asked for it and was not answered holds it',
      [unknown('a', 1, ['tryAcquire', 'a']), answered('b', [2, 3], ['tryAcquire', 'b'], false)],
    ],
  ];
  test.each(right)('is linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(lockModel(), calls)).toMatchObject({ kind: 'linearizable' });
  });

  const wrong: Histories<LockInput, LockOutput> = [
    [
      'a split brain: two hold it',
      [answered('a', [1, 4], ['tryAcquire', 'a'], true), answered('b', [2, 3], ['tryAcquire', 'b'], true)],
    ],
    ['nobody holds it, and somebody is turned away', [answered('a', [1, 2], ['tryAcquire', 'a'], false)]],
    [
      'the release of one who does not hold it',
      [answered('a', [1, 2], ['tryAcquire', 'a'], true), answered('b', [3, 4], ['release', 'b'], true)],
    ],
  ];
  test.each(wrong)('is not linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(lockModel(), calls)).toMatchObject({ kind: 'notLinearizable' });
  });
});

describe('a queue', () => {
  const right: Histories<QueueInput<number>, number | undefined> = [
    [
      'values that were put in at the same time come out in either order',
      [
        answered('a', [1, 4], ['enqueue', 1], undefined),
        answered('b', [2, 3], ['enqueue', 2], undefined),
        answered('c', [5, 6], ['dequeue'], 2),
        answered('c', [7, 8], ['dequeue'], 1),
      ],
    ],
    [
      'a value that may never have been put in is taken out',
      [unknown('a', 1, ['enqueue', 1]), answered('c', [2, 3], ['dequeue'], 1)],
    ],
    [
      'one that got no answer has taken the first value',
      [
        answered('a', [1, 2], ['enqueue', 1], undefined),
        answered('a', [3, 4], ['enqueue', 2], undefined),
        unknown('b', 5, ['dequeue']),
        answered('c', [6, 7], ['dequeue'], 2),
      ],
    ],
  ];
  test.each(right)('is linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(queueModel<number>(), calls)).toMatchObject({ kind: 'linearizable' });
  });

  const wrong: Histories<QueueInput<number>, number | undefined> = [
    [
      'the second value comes out first',
      [
        answered('a', [1, 2], ['enqueue', 1], undefined),
        answered('a', [3, 4], ['enqueue', 2], undefined),
        answered('c', [5, 6], ['dequeue'], 2),
      ],
    ],
    [
      'two get the same value',
      [
        answered('a', [1, 2], ['enqueue', 1], undefined),
        answered('b', [3, 6], ['dequeue'], 1),
        answered('c', [4, 5], ['dequeue'], 1),
      ],
    ],
    [
      'the queue seems empty although it is not',
      [answered('a', [1, 2], ['enqueue', 1], undefined), answered('b', [3, 4], ['dequeue'], undefined)],
    ],
  ];
  test.each(wrong)('is not linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(queueModel<number>(), calls)).toMatchObject({ kind: 'notLinearizable' });
  });
});

describe('a journal', () => {
  const right: Histories<JournalInput<string>, JournalOutput<string>> = [
    [
      'an entry of unknown outcome stands where another one left room',
      [
        unknown('a', 1, ['append', 'x']),
        unknown('b', 2, ['append', 'y']),
        answered('c', [3, 4], ['append', 'z'], 2),
        answered('c', [5, 6], ['all'], ['y', 'z']),
      ],
    ],
  ];
  test.each(right)('is linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(journalModel<string>(), calls)).toMatchObject({ kind: 'linearizable' });
  });

  const wrong: Histories<JournalInput<string>, JournalOutput<string>> = [
    [
      'two entries at one position',
      [answered('a', [1, 4], ['append', 'x'], 1), answered('b', [2, 3], ['append', 'y'], 1)],
    ],
    [
      'an entry is there twice',
      [answered('a', [1, 2], ['append', 'x'], 1), answered('b', [3, 4], ['all'], ['x', 'x'])],
    ],
    [
      'what was shown is shown otherwise',
      [
        unknown('a', 1, ['append', 'x']),
        unknown('b', 1, ['append', 'y']),
        answered('c', [2, 3], ['all'], ['x']),
        answered('c', [4, 5], ['all'], ['y', 'x']),
      ],
    ],
    ['an acknowledged entry is lost', [answered('a', [1, 2], ['append', 'x'], 1), answered('b', [3, 4], ['all'], [])]],
  ];
  test.each(wrong)('is not linearizable: %s', (_name, calls) => {
    expect(checkLinearizable(journalModel<string>(), calls)).toMatchObject({ kind: 'notLinearizable' });
  });
});
