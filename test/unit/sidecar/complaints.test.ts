/** What who runs a sidecar is told of what goes wrong behind it, and how often. */

import { beforeEach, describe, expect, it } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import { Complaints } from '../../../src/sidecar/complaints.js';
import { ManualTime } from '../sync/support/manual-time.js';

const forbidden = (lease: string): ConclaveError => new ConclaveError('ERR_FORBIDDEN', `${lease} is not allowed.`);

describe('complaints', () => {
  let time: ManualTime;
  let said: string[];
  let complaints: Complaints;

  beforeEach(() => {
    time = new ManualTime();
    said = [];
    complaints = new Complaints(time.clock, (message) => said.push(message));
  });

  it('are made of each thing once in a minute', async () => {
    for (let second = 0; second < 90; second++) {
      complaints.about(forbidden('lock-x'));
      complaints.about(forbidden('lock-y'));
      await time.pass(1_000);
    }

    expect(said).toEqual([
      'ERR_FORBIDDEN: lock-x is not allowed.',
      'ERR_FORBIDDEN: lock-y is not allowed.',
      'ERR_FORBIDDEN: lock-x is not allowed.',
      'ERR_FORBIDDEN: lock-y is not allowed.',
    ]);
  });

  it('are few, however many different things there are', () => {
    for (let i = 0; i < 1_000; i++) complaints.about(forbidden(`lock-${i}`));

    expect(said).toHaveLength(100);
  });

  it.each(['ERR_ABORTED', 'ERR_STOPPED'] as const)('are not made of %s, which is nothing wrong', (code) => {
    complaints.about(new ConclaveError(code, 'It was not wanted any more.'));

    expect(said).toEqual([]);
  });

  it('are made of what is no error of ours, too', () => {
    complaints.about(new TypeError('x is not a function'));

    expect(said).toEqual(['TypeError: x is not a function']);
  });
});
