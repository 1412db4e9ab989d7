/**
 * How a call is made, as handles tell the Caller: how fresh an answer must be, how long to wait for it, and what ends
 * the wait. Plain data; what each of these means to a user is told by `CallOptions`.
 */

/** All consistencies of a query. */
export const CONSISTENCIES = ['linearizable', 'lease', 'local'] as const;

/** How fresh the answer to a query must be. */
export type Consistency = (typeof CONSISTENCIES)[number];

/** How one call is to be made, resolved from `CallOptions` and the runtime's defaults. */
export interface Call {
  /** Null: the runtime's default. */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal | null;
  /**
   * It is one try of a call that waits for an object to change, and that was let in when it was made: it waits for a
   * leader, too, whatever the runtime does with other calls. Once it has been sent, the signal does not end the wait
   * any more: whoever calls must know what becomes of it.
   */
  readonly isTry?: boolean;
}

/** A call with nothing out of the ordinary: the hot path. */
export const ORDINARY_CALL: Call = { timeoutMs: null, signal: null };
