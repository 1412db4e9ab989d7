/**
 * What holders of locks and semaphores are told, by true time: at no moment may more of them believe that they hold
 * than there are permits; and whoever is granted something has a greater token than all who had it before.
 */

/** Somebody who was told that it holds. */
export interface Holding {
  readonly name: string;
  /** How many permits there are of the name, and how many of them this one has. */
  readonly of: number;
  readonly permits: number;
  readonly token: bigint;
  /** For people. */
  readonly holder: string;
  /** Does it believe, at this moment, that it holds? False while it cannot act: nobody hears what it believes. */
  readonly isBelieving: () => boolean;
  /** It will never believe so again. */
  readonly isOver: () => boolean;
}

export class HeldLocks {
  readonly #report: (promise: string, what: string) => void;
  readonly #holdings = new Set<Holding>();
  /** By name: the greatest token of those that were held, and are not any more. */
  readonly #newestEnded = new Map<string, bigint>();
  /** By name: all tokens. */
  readonly #tokens = new Map<string, Set<bigint>>();

  constructor(report: (promise: string, what: string) => void) {
    this.#report = report;
  }

  /** To be remembered by whoever is about to ask for the name. */
  newestEnded(name: string): bigint {
    return this.#newestEnded.get(name) ?? 0n;
  }

  /** `endedBefore`: what {@link newestEnded} was when it was asked for. */
  granted(holding: Holding, endedBefore: bigint): void {
    const { name, token, holder } = holding;
    const tokens = this.#tokens.get(name) ?? new Set();
    if (tokens.has(token)) this.#report('fencing tokens', `${holder} holds ${name} by ${token}, as another one did`);
    if (token <= endedBefore) {
      const what = `${holder} holds ${name} by ${token}, and ${endedBefore} was over before it was asked for`;
      this.#report('fencing tokens', what);
    }
    this.#tokens.set(name, tokens.add(token));
    this.#holdings.add(holding);
    this.look();
  }

  /** It was given up, or lost. */
  ended(holding: Holding): void {
    this.#holdings.delete(holding);
    const { name, token } = holding;
    if (token > this.newestEnded(name)) this.#newestEnded.set(name, token);
  }

  /** At this moment. */
  look(): void {
    const taken = new Map<string, Holding[]>();
    for (const holding of this.#holdings) {
      if (holding.isOver()) this.ended(holding);
      else if (holding.isBelieving()) taken.set(holding.name, [...(taken.get(holding.name) ?? []), holding]);
    }
    for (const [name, holdings] of taken) {
      const sum = holdings.reduce((total, { permits }) => total + permits, 0);
      if (sum <= holdings[0]!.of) continue;
      const all = holdings.map(({ holder, token }) => `${holder} by ${token}`).join(' and ');
      this.#report('locks', `${name} is held by ${all}, and all of them may believe it`);
    }
  }
}
