/**
 * A load of a fixed number of calls per second, whatever becomes of them: whoever calls a service does not wait for it
 * to recover. Each call has a time at which it should start, and is measured from then, not from when it could be made:
 * a stall counts for every call that should have started meanwhile. Runs on the thread that makes the calls.
 */

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

const TICK_MS = 1;
const NS_PER_MS = 1e6;

export interface PacedSettings {
  readonly callsPerSecond: number;
  /**
   * Calls that are due beyond this wait to be made. They are measured from when they should have started all the same.
   */
  readonly inFlightMax: number;
}

/** What became of the calls that should have started in one phase of the load. */
export interface PhaseResult {
  readonly calls: number;
  readonly durationMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

class Phase {
  readonly latencies: RecordableHistogram = createHistogram();
  durationMs = 0;

  add({ latencies, durationMs }: Phase): void {
    this.latencies.add(latencies);
    this.durationMs += durationMs;
  }

  result(): PhaseResult {
    const { latencies, durationMs } = this;
    return {
      calls: latencies.count,
      durationMs,
      p50Ms: latencies.percentile(50) / NS_PER_MS,
      p99Ms: latencies.percentile(99) / NS_PER_MS,
      maxMs: latencies.max / NS_PER_MS,
    };
  }
}

export class PacedLoad {
  readonly #call: (index: number) => Promise<unknown>;
  readonly #callsPerMs: number;
  readonly #inFlightMax: number;
  readonly #startedAtMs = performance.now();
  readonly #phases = new Map<string, Phase>();
  /** From which call on which phase counts; only those that calls still to be made may belong to. Never empty. */
  #spans: { readonly fromCall: number; readonly phase: Phase }[];
  #enteredAtMs = this.#startedAtMs;
  /** Calls made. Invariant: those before are the ones that should have started first. */
  #made = 0;
  #inFlight = 0;
  /** No call from this one on is made. */
  #endCall = Infinity;
  #hasEnded = false;
  readonly #ticker: NodeJS.Timeout;
  readonly #finished: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  /** Starts at once, in the first phase. `call` is told how many calls were made before. */
  constructor(call: (index: number) => Promise<unknown>, settings: PacedSettings, firstPhase: string) {
    this.#call = call;
    this.#callsPerMs = settings.callsPerSecond / 1000;
    this.#inFlightMax = settings.inFlightMax;
    this.#spans = [{ fromCall: 0, phase: this.#phase(firstPhase) }];
    this.#finished = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever finishes the load hears of it.
    this.#finished.catch(() => undefined);
    this.#ticker = setInterval(this.#makeDue, TICK_MS);
  }

  /** Calls that should start from now on count for this phase, which may be one that was left before. */
  enter(name: string): void {
    this.#leavePhase();
    this.#spans.push({ fromCall: this.#due(), phase: this.#phase(name) });
  }

  /**
   * Makes no more calls than are due, and resolves with what became of each phase when all have finished, and of
   * several taken together under a name of their own. Rejects with the first error of a call: the load ends with it.
   */
  async finish(
    together: Readonly<Record<string, readonly string[]>> = {},
  ): Promise<Readonly<Record<string, PhaseResult>>> {
    this.#leavePhase();
    this.#endCall = this.#due();
    this.#makeDue();
    await this.#finished;
    for (const [name, parts] of Object.entries(together)) {
      const whole = new Phase();
      for (const part of parts) whole.add(this.#phases.get(part)!);
      this.#phases.set(name, whole);
    }
    return Object.fromEntries([...this.#phases].map(([name, phase]) => [name, phase.result()]));
  }

  #phase(name: string): Phase {
    const known = this.#phases.get(name);
    if (known !== undefined) return known;
    const phase = new Phase();
    this.#phases.set(name, phase);
    return phase;
  }

  #leavePhase(): void {
    const nowMs = performance.now();
    this.#spans.at(-1)!.phase.durationMs += nowMs - this.#enteredAtMs;
    this.#enteredAtMs = nowMs;
  }

  /** How many calls should have started by now. */
  #due(): number {
    return Math.floor((performance.now() - this.#startedAtMs) * this.#callsPerMs) + 1;
  }

  readonly #makeDue = (): void => {
    if (this.#hasEnded) return;
    const end = Math.min(this.#due(), this.#endCall);
    while (this.#made < end && this.#inFlight < this.#inFlightMax) this.#make(this.#made++);
    if (this.#made === this.#endCall && this.#inFlight === 0) this.#end(this.#resolve);
  };

  #make(index: number): void {
    while (this.#spans.length > 1 && this.#spans[1]!.fromCall <= index) this.#spans.shift();
    const { latencies } = this.#spans[0]!.phase;
    const shouldStartMs = this.#startedAtMs + index / this.#callsPerMs;
    this.#inFlight++;
    const finished = (): void => {
      latencies.record(Math.max(1, Math.round((performance.now() - shouldStartMs) * NS_PER_MS)));
      if (--this.#inFlight === 0 && this.#made === this.#endCall) this.#end(this.#resolve);
    };
    this.#call(index).then(finished, this.#fail);
  }

  readonly #fail = (error: unknown): void => this.#end(() => this.#reject(error));

  #end(settle: () => void): void {
    clearInterval(this.#ticker);
    this.#hasEnded = true;
    settle();
  }
}
