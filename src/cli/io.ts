/** What the command reads and writes besides the network: handed in, so that a test can hold it. */
export interface CommandIo {
  out(text: string): void;
  err(text: string): void;
  /** Is what is written to `out` read by a person at a terminal? */
  readonly isTerminal: boolean;
  /** Ends what would go on for ever. */
  readonly signal: AbortSignal;
}
