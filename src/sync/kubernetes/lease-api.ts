/**
 * Leases of a namespace as this back end reaches them: what a Lease looks like, the requests that there are, and how
 * they fail. Types, and the one error; who carries requests out is `ClientNodeLeaseApi`.
 */

/** A Lease, as it stands in JSON. What is not named here is kept as it is. */
export interface Lease {
  readonly metadata: LeaseMetadata;
  readonly spec: LeaseSpec;
}

export interface LeaseMetadata {
  readonly name: string;
  /** Of the write that made it what it is; undefined: it is yet to be created. */
  readonly resourceVersion?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface LeaseSpec {
  /** Undefined, or empty: nobody holds it. */
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  /** MicroTime: exactly six digits of a second. */
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
  readonly strategy?: string;
  readonly preferredHolder?: string;
  readonly [field: string]: unknown;
}

/** What a watch tells. `bookmark`: nothing has happened up to this version. */
export type LeaseEvent =
  | { readonly type: 'kept'; readonly lease: Lease }
  | { readonly type: 'deleted'; readonly version: string }
  | { readonly type: 'bookmark'; readonly version: string };

/**
 * Every call rejects with a {@link LeaseApiError}. An aborted signal ends the waiting; what was asked may be done all
 * the same.
 */
export interface LeaseApi {
  readonly namespace: string;
  /** Resolves when the server answers, whatever it thinks of who asks; but rejects where it does not know them. */
  ping(signal: AbortSignal): Promise<void>;
  read(name: string, signal: AbortSignal): Promise<Lease>;
  create(lease: Lease, signal: AbortSignal): Promise<Lease>;
  /** Only if it is still of the `resourceVersion` that it names. */
  replace(lease: Lease, signal: AbortSignal): Promise<Lease>;
  /**
   * Tells what happens to one Lease: after a version, or (null) beginning with what there is. Calls `onEnd` once when
   * it is over; null: in order. Returns what ends it without a word.
   */
  watch(
    name: string,
    since: string | null,
    onEvent: (event: LeaseEvent) => void,
    onEnd: (error: LeaseApiError | null) => void,
  ): () => void;
}

/**
 * `unanswered`: it is not known whether it was done, for no answer came, or one that does not say. In all other cases
 * it was not: `not found`; `conflict`: somebody else was faster; `busy`: the server asks to wait; `expired`: a watch
 * cannot go on from there; `refused`: it will not be done, however often it is asked for.
 */
export type LeaseApiFailure = 'unanswered' | 'not found' | 'conflict' | 'busy' | 'expired' | 'refused';

export class LeaseApiError extends Error {
  readonly failure: LeaseApiFailure;
  /** Of the answer; null: there was none. */
  readonly status: number | null;
  /** The server wants to be left alone for so long. */
  readonly retryAfterMs: number;

  constructor(
    failure: LeaseApiFailure,
    message: string,
    { status = null, retryAfterMs = 0, cause }: { status?: number | null; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'LeaseApiError';
    this.failure = failure;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** What an answer of this status comes to. `retryAfter` is the header of that name, in seconds. */
  static ofStatus(status: number, message: string, retryAfter = '0', cause?: unknown): LeaseApiError {
    const seconds = Number(retryAfter);
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : 0;
    return new LeaseApiError(failureOf(status), message, { status, retryAfterMs, cause });
  }
}

function failureOf(status: number): LeaseApiFailure {
  if (status === 404) return 'not found';
  if (status === 409) return 'conflict';
  if (status === 410) return 'expired';
  if (status === 429) return 'busy';
  // What has failed in there may have been done, and what failed on the way back was.
  return status >= 500 || status === 408 ? 'unanswered' : 'refused';
}
