/** The history of a simulation as lines to read: virtual time, node, what. */

export class Trace {
  readonly #nowMs: () => number;
  readonly #write: (line: string) => void;

  constructor(nowMs: () => number, write: (line: string) => void) {
    this.#nowMs = nowMs;
    this.#write = write;
  }

  /** `who` is a node, a client, or the simulation itself. */
  add(who: string, what: string): void {
    this.#write(`${this.#nowMs().toFixed(2).padStart(10)} ms  ${who.padEnd(12)}  ${what}`);
  }
}
