/** How one call is to be made, resolved from `CallOptions` and the runtime's defaults. */
export interface Call {
  /** Null: the runtime's default. */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal | null;
}

/** A call with nothing out of the ordinary: the hot path. */
export const ORDINARY_CALL: Call = { timeoutMs: null, signal: null };
