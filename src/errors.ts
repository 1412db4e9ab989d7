/**
 * Every error that Conclave throws or rejects with: one base class, one closed list of codes, and two answers that a
 * caller needs before it may try again. An error crosses threads and sockets as plain data and is rebuilt from its
 * code, so that `instanceof ConclaveError` and `error.code` hold wherever it is caught. Never match on the text.
 */

/** What each code answers: may the command have been applied, and may the same call be made again without risk? */
const CODES = {
  /** An option of `Runtime.start` or of a call is unknown or out of range; `data.option` names it. */
  ERR_INVALID_OPTION: { mayBeApplied: false, retrySafe: false },
  /** The port that the node should listen on is taken or not ours to bind. */
  ERR_ADDRESS_UNAVAILABLE: { mayBeApplied: false, retrySafe: true },
  /** A class cannot be replicated as it is written; the message says what to change. */
  ERR_INVALID_OBJECT: { mayBeApplied: false, retrySafe: false },
  /** There is an object of this name already; it was created at run time. */
  ERR_OBJECT_EXISTS: { mayBeApplied: false, retrySafe: false },
  /** The object has not been created, or has been dropped: all replicas have refused the command. */
  ERR_NO_SUCH_OBJECT: { mayBeApplied: false, retrySafe: true },
  /** As many objects have been created as there may be. */
  ERR_TOO_MANY_OBJECTS: { mayBeApplied: false, retrySafe: true },
  /** `runtime.objects` was asked for an object that the node does not have; `data.objects` names those that it has. */
  ERR_UNKNOWN_OBJECT: { mayBeApplied: false, retrySafe: false },
  /** A handle was asked for a method that is neither replicated nor a query. */
  ERR_UNKNOWN_METHOD: { mayBeApplied: false, retrySafe: false },
  /** An argument cannot be encoded; `data.path` says where it is. Nothing was sent. */
  ERR_NOT_ENCODABLE: { mayBeApplied: false, retrySafe: false },
  /** One command is larger than `limits.commandBytes`. Nothing was sent. */
  ERR_COMMAND_TOO_LARGE: { mayBeApplied: false, retrySafe: false },
  /** `limits.pendingCommands` calls are waiting already. Nothing was sent. */
  ERR_QUEUE_FULL: { mayBeApplied: false, retrySafe: true },
  /** No leader was known for as long as the call was willing to wait, if at all. Nothing was sent. */
  ERR_NO_LEADER: { mayBeApplied: false, retrySafe: true },
  /** The call was sent, and its answer did not come in time. */
  ERR_TIMEOUT: { mayBeApplied: true, retrySafe: false },
  /** The caller's signal was aborted; `mayBeApplied` of the error tells whether the command had been sent. */
  ERR_ABORTED: { mayBeApplied: true, retrySafe: false },
  /** The runtime was stopped, or removed from its cluster, while the call was waiting, or before it was made. */
  ERR_STOPPED: { mayBeApplied: true, retrySafe: false },
  /** The command ran on every replica and threw; `cause` is what it threw. */
  ERR_COMMAND_THREW: { mayBeApplied: true, retrySafe: false },
  /** The command ran on every replica and returned a promise, which a command must not. */
  ERR_ASYNC_COMMAND: { mayBeApplied: true, retrySafe: false },
  /** The command ran, and what it returned cannot be encoded; `data.path` says where. */
  ERR_RESULT_NOT_ENCODABLE: { mayBeApplied: true, retrySafe: false },
  /** The command ran, and what it and others of the same turn returned is more than can be returned at once. */
  ERR_RESULT_TOO_LARGE: { mayBeApplied: true, retrySafe: false },
  /** The cluster had forgotten this node's session before the command came to its turn: it was refused by all. */
  ERR_SESSION_EXPIRED: { mayBeApplied: false, retrySafe: true },
  /** The object's thread crashed and could not be brought back; `cause` says why. */
  ERR_OBJECT_FAILED: { mayBeApplied: true, retrySafe: false },
  /** `context()` was called outside of a replicated command. */
  ERR_NO_CONTEXT: { mayBeApplied: false, retrySafe: false },
  /** Leadership could not be handed over; the old leader goes on. */
  ERR_TRANSFER_FAILED: { mayBeApplied: false, retrySafe: true },
  /** The node to be added is a member already. */
  ERR_ALREADY_MEMBER: { mayBeApplied: false, retrySafe: false },
  /** The node to be removed or replaced is no member. */
  ERR_NO_SUCH_MEMBER: { mayBeApplied: false, retrySafe: false },
  /** The cluster would not work with these members, or at a lower code version; `data.reason` says why. */
  ERR_CHANGE_REFUSED: { mayBeApplied: false, retrySafe: true },
  /** Another change of members was under way for as long as the call could wait. */
  ERR_CHANGE_UNDER_WAY: { mayBeApplied: false, retrySafe: true },
  /**
   * A command, an object or a code version that not everybody's code has yet: nothing was sent. Or this node's own code
   * is too old for what the cluster has agreed on: it has stopped, with its log intact.
   */
  ERR_VERSION_UNSUPPORTED: { mayBeApplied: false, retrySafe: true },
  /** A frame, hello or message from the network is not what the protocol says. */
  ERR_PROTOCOL: { mayBeApplied: false, retrySafe: false },
  /** Nobody answers at the address of a node, or of an API server, or the connection to it was lost. */
  ERR_UNREACHABLE: { mayBeApplied: false, retrySafe: true },
  /** A node takes no requests from this administrator; `data.reason` says why. Nothing was asked for. */
  ERR_HELLO_REFUSED: { mayBeApplied: false, retrySafe: true },
  /** An actor's mailbox holds as many messages as it may. */
  ERR_MAILBOX_FULL: { mayBeApplied: false, retrySafe: true },
  /** An actor does not exist, has stopped, or stopped before it answered. */
  ERR_ACTOR_STOPPED: { mayBeApplied: true, retrySafe: false },
  /** A thread ended, and with it whatever was waiting for an answer from it. */
  ERR_THREAD_EXITED: { mayBeApplied: true, retrySafe: false },
  /** The disk has refused a write, a sync or a read; the node has stopped, and acknowledged nothing since. */
  ERR_STORAGE: { mayBeApplied: true, retrySafe: false },
  /** What lies in the data directory is damaged: not the torn end of a crash, but something that was durable. */
  ERR_STORAGE_CORRUPT: { mayBeApplied: false, retrySafe: false },
  /** Another process uses the data directory; `data.pid` names it. */
  ERR_DATA_DIR_LOCKED: { mayBeApplied: false, retrySafe: true },
  /** The data directory belongs to another node or cluster, or was written by a newer version. */
  ERR_DATA_DIR_MISMATCH: { mayBeApplied: false, retrySafe: false },
  /** The command ran, and left its object holding what no snapshot can; `data.path` says where. */
  ERR_STATE_NOT_ENCODABLE: { mayBeApplied: true, retrySafe: false },
  /** The command was applied, and its result passed by while this node was given a snapshot. */
  ERR_RESULT_LOST: { mayBeApplied: true, retrySafe: false },
  /**
   * Changes behind the place that a watch is to go on from are not known here: read the state, and watch from there.
   */
  ERR_CHANGES_LOST: { mayBeApplied: false, retrySafe: true },
  /** More changes wait to be read than are kept for one who watches. */
  ERR_WATCHER_BEHIND: { mayBeApplied: false, retrySafe: true },
  /** What was held is lost: a lock, permits or leadership. Somebody else may hold it by now. */
  ERR_LOCK_LOST: { mayBeApplied: false, retrySafe: false },
  /** The back end of locks and elections cannot express what is asked for. Nothing was done. */
  ERR_NOT_SUPPORTED: { mayBeApplied: false, retrySafe: false },
  /**
   * The API server of Kubernetes does not know this client, or does not allow what it wants to do; `data.lease` names
   * the Lease.
   */
  ERR_FORBIDDEN: { mayBeApplied: false, retrySafe: false },
  /** A fencing token is older than one that was seen: whoever shows it holds no longer. */
  ERR_STALE_TOKEN: { mayBeApplied: false, retrySafe: false },
  /** A semaphore was asked for with another number of permits than those who use it have said. */
  ERR_PERMITS_DIFFER: { mayBeApplied: false, retrySafe: true },
  /** What was asked for needs a package that is not installed; `data.package` names it. */
  ERR_MISSING_PACKAGE: { mayBeApplied: false, retrySafe: false },
  /** A snapshot could not be taken; the log is kept, and another one will be tried. */
  ERR_COMPACTION_FAILED: { mayBeApplied: false, retrySafe: true },
  /** A snapshot of the same log has another content than the live object: a command is not deterministic. */
  ERR_DIVERGED: { mayBeApplied: false, retrySafe: false },
  /** A simulated history has broken a promise; `data.seed` replays it, `data.promise` says which one. */
  ERR_SIMULATION_FAILED: { mayBeApplied: false, retrySafe: false },
  /** An invariant of Conclave itself does not hold: a defect, please report it. */
  ERR_ASSERTION: { mayBeApplied: true, retrySafe: false },
} as const;

/** All codes. */
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(CODES) as ErrorCode[];

/**
 * A code of {@link ConclaveError}; docs/errors.md says what each means. The list is closed for a major version: codes
 * are added, never renamed.
 */
export type ErrorCode = keyof typeof CODES;

/** Details of an error: plain values only, so that they survive threads and sockets. */
export type ErrorData = Readonly<Record<string, unknown>>;

/** How a {@link ConclaveError} is made. */
export interface ErrorOptions {
  readonly data?: ErrorData;
  readonly cause?: unknown;
  /** Overrides the code's own answer where the thrower knows better. */
  readonly mayBeApplied?: boolean;
  /** Overrides the code's own answer where the thrower knows better. */
  readonly retrySafe?: boolean;
}

/**
 * What Conclave throws and rejects with.
 *
 * @example
 * try {
 *   await acct.deposit(5);
 * } catch (error) {
 *   if (error instanceof ConclaveError && error.retrySafe) await acct.deposit(5);
 *   else throw error;
 * }
 */
export class ConclaveError extends Error {
  override readonly name = 'ConclaveError';
  readonly code: ErrorCode;
  readonly data: ErrorData;
  /** May the command that this call carried have been applied, now or later? */
  readonly mayBeApplied: boolean;
  /** May the same call be made again without the risk that its command is applied twice? */
  readonly retrySafe: boolean;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data ?? {};
    this.mayBeApplied = options.mayBeApplied ?? CODES[code].mayBeApplied;
    this.retrySafe = options.retrySafe ?? CODES[code].retrySafe;
  }
}

/** An error as plain data: what crosses threads and sockets. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly data?: ErrorData;
  readonly mayBeApplied?: boolean;
  readonly retrySafe?: boolean;
  readonly cause?: PlainError;
}

/** Causes deeper than this are dropped: an error chain may be a cycle. */
const CAUSE_DEPTH_MAX = 8;

/** Turns anything thrown into plain data that survives threads and sockets. Never throws. */
export function toPlainError(thrown: unknown, depth = 0): PlainError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: describe(thrown) };
  // A user's error may have anything in place of these, and may throw when it is looked at.
  const stack = fieldOf(thrown, 'stack');
  const code = fieldOf(thrown, 'code');
  const cause = fieldOf(thrown, 'cause');
  return {
    name: describe(fieldOf(thrown, 'name') ?? 'Error'),
    message: describe(fieldOf(thrown, 'message') ?? ''),
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(thrown instanceof ConclaveError
      ? { data: plainData(thrown.data), mayBeApplied: thrown.mayBeApplied, retrySafe: thrown.retrySafe }
      : {}),
    ...(cause === undefined || depth >= CAUSE_DEPTH_MAX ? {} : { cause: toPlainError(cause, depth + 1) }),
  };
}

function fieldOf(error: Error, field: keyof PlainError): unknown {
  try {
    return (error as { readonly [Key in keyof PlainError]: unknown })[field];
  } catch {
    return undefined;
  }
}

/** The data, or nothing of it where it holds what cannot be cloned. */
function plainData(data: ErrorData): ErrorData {
  try {
    return structuredClone(data);
  } catch {
    return {};
  }
}

const BUILT_IN_ERRORS: Readonly<Record<string, new (message: string) => Error>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Rebuilds an error: a {@link ConclaveError} from its code, a built-in from its name, any other as an `Error`. */
export function fromPlainError(plain: PlainError): Error {
  const cause = plain.cause === undefined ? undefined : fromPlainError(plain.cause);
  if (isErrorCode(plain.code) && plain.name === 'ConclaveError') {
    const error = new ConclaveError(plain.code, plain.message, {
      ...(plain.data === undefined ? {} : { data: plain.data }),
      ...(cause === undefined ? {} : { cause }),
      ...(plain.mayBeApplied === undefined ? {} : { mayBeApplied: plain.mayBeApplied }),
      ...(plain.retrySafe === undefined ? {} : { retrySafe: plain.retrySafe }),
    });
    if (plain.stack !== undefined) error.stack = plain.stack;
    return error;
  }
  const BuiltIn = Object.hasOwn(BUILT_IN_ERRORS, plain.name) ? BUILT_IN_ERRORS[plain.name]! : Error;
  const error = new BuiltIn(plain.message);
  if (error.name !== plain.name) define(error, 'name', plain.name);
  if (plain.code !== undefined) define(error, 'code', plain.code);
  if (cause !== undefined) define(error, 'cause', cause);
  if (plain.stack !== undefined) error.stack = plain.stack;
  return error;
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(describe(thrown));
}

/** Is this one of the codes that {@link ConclaveError} knows? */
function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(CODES, code);
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
}

function describe(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `a ${typeof thrown} that cannot be turned into a string`;
  }
}
