/**
 * What clients asked for and what became of it: the form in which a history is recorded and judged. Plain data, so that
 * histories can be written by hand, kept in files and sent between processes.
 */

/** What became of a call. */
export type CallOutcome<Output> =
  /** It has returned this, and took effect before it returned. */
  | { readonly kind: 'answered'; readonly output: Output }
  /** It took effect before it returned, and what it returned is lost (`ERR_RESULT_LOST`). */
  | { readonly kind: 'applied' }
  /** Nobody knows (a time-out, a crash): it may take effect at any time after its invocation, or never. */
  | { readonly kind: 'unknown' }
  /** It was refused: it has not taken effect and never will. */
  | { readonly kind: 'refused' };

/**
 * One call. Times are any numbers that never run backwards over the whole history, sequence numbers or milliseconds: a
 * call precedes another one if it returned *before* the other was invoked; if it returned at the very time at which the
 * other was invoked, the two are concurrent. A coarse clock thus makes a check weaker, never wrong.
 */
export interface HistoryCall<Input, Output> {
  /** Who called: a client, a process, one life of a node. One client may have several calls under way. */
  readonly client: string;
  readonly input: Input;
  readonly invokedAt: number;
  /** When the caller knew what became of it; `Infinity` if it never did. Says nothing of a call that is `unknown`. */
  readonly returnedAt: number;
  readonly outcome: CallOutcome<Output>;
}
