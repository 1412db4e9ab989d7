/** Those who wait for one Lease, in a time that the test owns, at an API server that lets nobody have it. */

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/runtime/random.js';
import { LeaseApiError, type Lease, type LeaseApi } from '../../../../src/sync/kubernetes/lease-api.js';
import { LeaseClaim } from '../../../../src/sync/kubernetes/lease-claim.js';
import { LeaseQueue } from '../../../../src/sync/kubernetes/lease-queue.js';
import { LeaseRequests } from '../../../../src/sync/kubernetes/lease-requests.js';
import { LeaseView } from '../../../../src/sync/kubernetes/lease-view.js';
import { ManualTime, settled } from '../support/manual-time.js';

/** As long as a retry takes at the most. */
const RETRY_MS = 3_000;

test('whoever comes when all others have left is not tried for sooner because of a read that those have asked for', async () => {
  const time = new ManualTime();
  const api = new ClosedApi();
  const requests = new LeaseRequests(api, time, new SeededRandom(1));
  const view = new LeaseView('x', 'me', requests);
  const queue = new LeaseQueue(view, requests);
  const first = claimOf('first', view, requests);
  queue.add(
    first,
    () => {},
    () => {},
  );
  await settled();
  const answerLate = api.holdNextRead();
  await time.pass(RETRY_MS);
  queue.remove(first);
  queue.add(
    claimOf('second', view, requests),
    () => {},
    () => {},
  );
  await settled();

  answerLate();
  await settled();

  expect(api.tries).toEqual(['first', 'second']);
  await time.pass(RETRY_MS);
  expect(api.tries).toEqual(['first', 'second', 'second']);
});

function claimOf(holder: string, view: LeaseView, requests: LeaseRequests): LeaseClaim {
  const terms = { claimName: 'x', value: '', holder, identity: 'me', owner: undefined, ttlMs: 15_000 };
  return new LeaseClaim(terms, view, requests, 1_000);
}

/** There is no Lease, and none is created. */
class ClosedApi implements LeaseApi {
  readonly namespace = 'default';
  /** Who was to have it. */
  readonly tries: string[] = [];
  #read: Promise<void> | null = null;

  /** Returns what lets it be answered. */
  holdNextRead(): () => void {
    let answer!: () => void;
    this.#read = new Promise((resolve) => (answer = resolve));
    return answer;
  }

  async ping(): Promise<void> {}

  async read(): Promise<Lease> {
    const held = this.#read;
    this.#read = null;
    await held;
    throw new LeaseApiError('not found', 'there is none');
  }

  async create({ spec }: Lease): Promise<Lease> {
    this.tries.push(spec.holderIdentity!);
    throw new LeaseApiError('busy', 'not now');
  }

  replace(): Promise<Lease> {
    throw new Error('there is nothing to replace');
  }

  watch(): () => void {
    return () => {};
  }
}
