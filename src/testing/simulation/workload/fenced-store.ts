/**
 * Something that is protected by a lock, and outside of the cluster: it asks for tokens, and takes nothing from who is
 * late.
 */

import { ConclaveError } from '../../../errors.js';
import { FencedResource } from '../../../sync/fenced-resource.js';
import type { Coverage } from '../coverage.js';
import type { Violations } from '../violations.js';

export class FencedStore {
  readonly #name: string;
  readonly #violations: Violations;
  readonly #coverage: Coverage;
  readonly #fence = new FencedResource();
  /** By what was taken, whatever the fence knows. */
  #newest = 0n;

  constructor(name: string, violations: Violations, coverage: Coverage) {
    this.#name = name;
    this.#violations = violations;
    this.#coverage = coverage;
  }

  write(token: bigint, by: string): void {
    try {
      this.#fence.check(token);
    } catch (error) {
      if (!(error instanceof ConclaveError) || error.code !== 'ERR_STALE_TOKEN') throw error;
      this.#coverage.count('stale writes refused');
      if (token < this.#newest) return;
      this.#violations.report('fencing', `${this.#name} refused ${by} with ${token}, and knows ${this.#newest} only`);
      return;
    }
    this.#coverage.count('fenced writes');
    if (token < this.#newest) {
      this.#violations.report('fencing', `${this.#name} took what ${by} wrote with ${token}, after ${this.#newest}`);
    }
    this.#newest = token;
  }
}
