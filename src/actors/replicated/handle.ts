/**
 * Handles: what the user's code holds instead of a replicated object. Each marked method becomes one that hands its
 * call to the Caller. On the caller's thread, like everything that the user touches.
 */

import { ConclaveError } from '../../errors.js';
import { MethodName } from './block-builder.js';
import { ORDINARY_CALL, type Call } from './call.js';
import type { Caller, Consistency } from './caller.js';
import type { MethodKind } from './method-mark.js';
import type { CallOptions } from './remote-of.js';

/** The longest timeout that can be asked for: what a 32-bit signed number of milliseconds holds, 24.8 days. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

const CONSISTENCIES: ReadonlySet<unknown> = new Set<Consistency>(['linearizable', 'lease', 'local']);
const CALL_OPTIONS: ReadonlySet<string> = new Set([
  'consistency',
  'timeoutMs',
  'signal',
] satisfies (keyof CallOptions)[]);

/** What `console.log` calls, which would otherwise ask a handle for all manner of members. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

type RemoteMethod = (...args: unknown[]) => Promise<unknown>;

/** Makes the handles of one object; the names of its methods are shared by all of them. */
export class HandleFactory {
  readonly #caller: Caller;
  readonly #object: string;
  readonly #methods: ReadonlyMap<string, MethodKind>;
  /** A name belongs to one lane of blocks, so a query has one for each consistency. */
  readonly #names = new Map<string, MethodName>();
  readonly #missing: object;

  constructor(caller: Caller, object: string, methods: ReadonlyMap<string, MethodKind>) {
    this.#caller = caller;
    this.#object = object;
    this.#methods = methods;
    this.#missing = missingMembers(object, [...methods.keys()]);
  }

  /** A handle whose queries have this consistency, and whose calls are made as `call` says. */
  handle(consistency: Consistency = 'linearizable', call: Call = ORDINARY_CALL): object {
    const handle = Object.create(this.#missing) as Record<string, unknown>;
    for (const [method, kind] of this.#methods) {
      handle[method] = kind === 'replicated' ? this.#command(method, call) : this.#query(method, consistency, call);
    }
    handle['with'] = (options: CallOptions): object => {
      checkCallOptions(options);
      return this.handle(options.consistency ?? consistency, {
        timeoutMs: options.timeoutMs ?? call.timeoutMs,
        signal: options.signal ?? call.signal,
      });
    };
    Object.defineProperty(handle, 'tell', { enumerable: true, configurable: true, get: () => this.#tells(handle) });
    return handle;
  }

  #command(method: string, call: Call): RemoteMethod {
    const caller = this.#caller;
    const name = this.#name(method, 'command');
    return (...args) => caller.command(name, args, call);
  }

  #query(method: string, consistency: Consistency, call: Call): RemoteMethod {
    const caller = this.#caller;
    const name = this.#name(method, consistency);
    return (...args) => caller.query(name, args, consistency, call);
  }

  /** Made at the first use and kept in the handle. */
  #tells(handle: object): object {
    const tells = Object.create(this.#missing) as Record<string, unknown>;
    const caller = this.#caller;
    for (const [method, kind] of this.#methods) {
      if (kind !== 'replicated') continue;
      const name = this.#name(method, 'command');
      tells[method] = (...args: unknown[]): void => caller.tellCommand(name, args);
    }
    Object.defineProperty(handle, 'tell', { value: tells, enumerable: true });
    return tells;
  }

  #name(method: string, lane: 'command' | Consistency): MethodName {
    const key = `${lane} ${method}`;
    let name = this.#names.get(key);
    if (name === undefined) {
      name = new MethodName(this.#object, method);
      this.#names.set(key, name);
    }
    return name;
  }
}

/** Stands behind a handle: what the handle itself does not have ends here, with a clear error. */
function missingMembers(object: string, methods: readonly string[]): object {
  return new Proxy(Object.create(null) as object, {
    get(_target, member) {
      if (member === INSPECT) return () => `[handle to ${object}: ${methods.join(', ')}]`;
      // A handle may be returned from an async function and be printed: these are asked for by the language itself.
      if (typeof member === 'symbol' || member === 'then' || member === 'toJSON' || member === 'constructor') {
        return undefined;
      }
      throw new ConclaveError(
        'ERR_UNKNOWN_METHOD',
        `${object} has no replicated method or query ${member}; it has ${methods.join(', ')}. Mark the method with ` +
          '@replicated or @query.',
        { data: { object, method: member } },
      );
    },
  });
}

function checkCallOptions(options: CallOptions): void {
  if (typeof options !== 'object' || options === null)
    throw invalid('options', `must be an object, not ${typeof options}`);
  const { consistency, timeoutMs, signal } = options;
  const unknown = Object.keys(options).find((key) => !CALL_OPTIONS.has(key));
  if (unknown !== undefined)
    throw invalid(unknown, 'is not an option of a call; there are consistency, timeoutMs and signal');
  if (consistency !== undefined && !CONSISTENCIES.has(consistency)) {
    throw invalid('consistency', `must be 'linearizable', 'lease' or 'local', not ${consistency}`);
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX)) {
    throw invalid('timeoutMs', `must be more than 0 and at most ${TIMEOUT_MS_MAX}, not ${String(timeoutMs)}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal', 'must be an AbortSignal');
}

function invalid(option: string, what: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OPTION', `${option} ${what}.`, { data: { option } });
}
