/** What the command reads and writes besides the network: handed in, so that a test can hold it. */
export interface CommandIo {
  out(text: string): void;
  err(text: string): void;
  /** Is what is written to `out` read by a person at a terminal? */
  readonly isTerminal: boolean;
  /** Does it run at a terminal, whose keys send signals to all that runs there? As far as its streams tell. */
  readonly isAtTerminal: boolean;
  /** Ends what would go on for ever. */
  readonly signal: AbortSignal;
  /** Calls back instead of having the process ended by a signal, until what it returns is called. */
  onSignal(listener: (signal: EndingSignal) => void): () => void;
}

/** What ends a program. */
export type EndingSignal = (typeof ENDING_SIGNALS)[number];

export const ENDING_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
