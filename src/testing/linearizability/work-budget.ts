/**
 * How much a check may do: steps of the model and comparisons of configurations, which are counted rather than timed,
 * so that a verdict is the same on every machine.
 */

export class WorkBudget {
  readonly max: number;
  #spent = 0;

  constructor(max: number) {
    this.max = max;
  }

  get spent(): number {
    return this.#spent;
  }

  get isExhausted(): boolean {
    return this.#spent >= this.max;
  }

  spend(): void {
    this.#spent += 1;
  }
}
