/** The checker of elections sees what it watches over, and nothing where all is as it should be. */

import { beforeEach, describe, expect, test } from 'vitest';
import { ElectedLeaders, Onlooker, type Stint } from '../../../../src/testing/simulation/checkers/elected-leaders.js';

let broken: [promise: string, what: string][];
let leaders: ElectedLeaders;

beforeEach(() => {
  broken = [];
  leaders = new ElectedLeaders('election/chair', (promise, what) => void broken.push([promise, what]));
});

function stint(token: number, over: Partial<Stint> = {}): Stint {
  return {
    token: BigInt(token),
    leader: `candidate ${token}`,
    isAwake: () => true,
    isHeld: () => true,
    isTold: () => false,
    couldLead: () => true,
    ...over,
  };
}

describe('those who lead', () => {
  test('may follow each other', () => {
    const first = stint(1);
    leaders.began(first);
    leaders.look();
    leaders.settled(first);
    leaders.givenUp('election/chair', 1n);
    leaders.began(stint(2));

    expect(broken).toEqual([]);
  });

  test('have greater tokens than all before them', () => {
    leaders.began(stint(5));

    leaders.began(stint(4));

    expect(broken).toEqual([['tokens of leaders', 'candidate 4 begins to lead by 4, after 5']]);
  });

  test('do not give up before their work has settled', () => {
    leaders.began(stint(1));

    leaders.givenUp('election/chair', 1n);

    expect(broken).toEqual([
      ['leaders step down', 'candidate 1 gives up what it leads by 1, and has not done with its work'],
    ]);
  });

  test.each([
    ['of another name', 'lock/chair', 1n, {}],
    ['of another leader', 'election/chair', 2n, {}],
    ['that was lost before', 'election/chair', 1n, { couldLead: () => false }],
  ] as const)('may work on when something is given up %s', (_what, name, token, over) => {
    leaders.began(stint(1, over));

    leaders.givenUp(name, token);

    expect(broken).toEqual([]);
  });

  test('are told when they lead no longer', () => {
    leaders.began(stint(1, { isHeld: () => false }));

    leaders.look();

    expect(broken).toEqual([['leaders are told', 'candidate 1 leads by 1 no longer, and nothing has told it so']]);
  });

  test.each([
    ['cannot act', { isAwake: () => false }],
    ['were told', { isTold: () => true }],
  ])('may have lost where they %s', (_what, over) => {
    leaders.began(stint(1, { isHeld: () => false, ...over }));

    leaders.look();

    expect(broken).toEqual([]);
  });
});

describe('those who observe', () => {
  let ann: Onlooker;

  beforeEach(() => {
    ann = new Onlooker('ann');
    for (const token of [1n, 2n]) leaders.granted('election/chair', token, { id: `candidate ${token}` });
  });

  function hears(token: bigint, proclaimed = 0, id = `candidate ${token}`): void {
    leaders.heard(ann, { token, id, proclaimed });
  }

  test('may be told of one after the other, and what each proclaims', () => {
    hears(1n);
    hears(1n, 1);
    hears(2n);
    hears(2n);

    expect(broken).toEqual([]);
  });

  test('are not told of an older one after a newer one', () => {
    hears(2n);

    hears(1n);

    expect(broken).toEqual([['leaders as observed', 'ann is told of candidate 1 by 1, after candidate 2 by 2']]);
  });

  test('are not told what was said before what they were told', () => {
    hears(1n, 2);

    hears(1n, 1);

    expect(broken).toEqual([['leaders as observed', 'ann is told that candidate 1 proclaims 1, after 2']]);
  });

  test.each([
    ['nobody was elected by', 3n, 'candidate 3'],
    ['another one was elected by', 2n, 'candidate 1'],
  ])('are not told of a leader by a token that %s', (_what, token, id) => {
    hears(token, 0, id);

    expect(broken).toEqual([
      ['leaders as observed', `ann is told that ${id} leads by ${token}, who was never elected so`],
    ]);
  });
});
