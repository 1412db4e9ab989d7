/**
 * `defineObject`: for plain JavaScript what the decorators are for TypeScript. It marks the methods that it is told to
 * (see method-mark.ts) and gives the class its `module`; it runs once, when the class's own file is loaded.
 */

import { ConclaveError } from '../../errors.js';
import { isModuleUrl } from './describe-class.js';
import { assertMarkable, markMethod, markOf, type MethodKind, type VersionOptions } from './method-mark.js';
import type { AnyMethod, IsAsync } from './method-types.js';

/** The methods of `T` that may be marked: public, with a plain name and not async. */
type MarkableName<T> = {
  [K in keyof T]-?: K extends string
    ? T[K] extends AnyMethod
      ? IsAsync<T[K]> extends true
        ? never
        : K
      : never
    : never;
}[keyof T];

/** A method that is what a command does from a code version on. */
export interface VersionedMethod<Name extends string = string> extends VersionOptions {
  readonly method: Name;
}

/** What {@link defineObject} is told about a class. */
export interface ObjectDescription<T> {
  /** Where the class can be imported from: `import.meta.url` of the file that exports it. */
  readonly module: string;
  /** Methods that change the object; those that do so from a code version on, with that, as `replicated` takes it. */
  readonly replicated?: readonly (MarkableName<T> | VersionedMethod<MarkableName<T>>)[];
  /** Methods that only read. */
  readonly queries?: readonly MarkableName<T>[];
}

/**
 * Describes a class whose objects are to be replicated, without decorators. Returns the same class; export it. A method
 * that the class inherits may be named as well, and is then marked for this class only.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT` when a named method does not exist or cannot be replicated as it is
 *   written (see `replicated`), when `module` is no URL of a file, or when the class has another `module` already.
 *
 * @example
 * export const Account = defineObject(
 *   class Account {
 *     balance = 0;
 *     deposit(amount: number) {
 *       return (this.balance += amount);
 *     }
 *     get() {
 *       return this.balance;
 *     }
 *   },
 *   { module: import.meta.url, replicated: ['deposit'], queries: ['get'] },
 * );
 */
export function defineObject<Class extends abstract new (...args: never[]) => object>(
  target: Class,
  description: ObjectDescription<InstanceType<Class>>,
): Class & { readonly module: string } {
  if (typeof target !== 'function' || typeof target.prototype !== 'object' || target.prototype === null) {
    throw new ConclaveError('ERR_INVALID_OBJECT', 'defineObject was not given a class.');
  }
  if (typeof description !== 'object' || description === null) {
    throw refusal(target, 'needs a description: { module: import.meta.url, replicated: [...], queries: [...] }');
  }
  const prototype = target.prototype as object;
  const { replicated, queries, module, ...unknown } = description;
  const [key] = Object.keys(unknown);
  if (key !== undefined) {
    const complaint = `is described with ${key}, which is not part of a description; there are module, replicated, queries`;
    throw refusal(target, complaint);
  }
  for (const each of namesIn(target, 'replicated', replicated)) {
    const { method, options } = isVersioned(each) ? versionedIn(target, each) : { method: each, options: undefined };
    markByName(target, prototype, method, 'replicated', options);
  }
  for (const name of namesIn(target, 'queries', queries)) markByName(target, prototype, name, 'query');
  return withModule(target, module);
}

function namesIn(target: Function, option: string, names: unknown): readonly unknown[] {
  if (names === undefined) return [];
  if (!Array.isArray(names)) throw refusal(target, `has ${option} that is not a list of method names`);
  return names;
}

function isVersioned(each: unknown): each is VersionedMethod {
  return typeof each === 'object' && each !== null;
}

function versionedIn(
  target: Function,
  { method, version, of, ...unknown }: VersionedMethod,
): { readonly method: unknown; readonly options: VersionOptions } {
  const [key] = Object.keys(unknown);
  if (key !== undefined) throw refusal(target, `has a method with ${key}; there are method, version and of`);
  return { method, options: { version, ...(of === undefined ? {} : { of }) } };
}

function markByName(
  target: Function,
  prototype: object,
  name: unknown,
  kind: MethodKind,
  options?: VersionOptions,
): void {
  if (typeof name !== 'string') throw refusal(target, `is given a method name that is a ${typeof name}`);
  const method = methodOf(target, prototype, name);
  if (Object.hasOwn(prototype, name)) {
    markMethod(method, name, kind, options);
    return;
  }
  if (markOf(method)?.kind === kind && options === undefined) return;
  // The inherited function belongs to another class, which must not change: this class gets one of its own.
  const forward = function (this: unknown, ...args: unknown[]): unknown {
    return Reflect.apply(method, this, args);
  };
  assertMarkable(method, name, kind);
  markMethod(forward, name, kind, options);
  Object.defineProperty(prototype, name, { value: forward, writable: true, configurable: true });
}

function methodOf(target: Function, prototype: object, name: string): Function {
  for (let level: object | null = prototype; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(level, name);
    if (descriptor === undefined) continue;
    if (typeof descriptor.value === 'function') return descriptor.value as Function;
    throw refusal(target, `has ${name}, which is not a method`, name);
  }
  throw refusal(target, `has no method ${name}`, name);
}

function withModule<Class extends Function>(target: Class, module: unknown): Class & { readonly module: string } {
  if (!isModuleUrl(module)) {
    const found = typeof module === 'string' && module !== '' ? `; ${module} is no URL of a file` : '';
    throw refusal(target, `needs module: import.meta.url, so that another thread can load the class${found}`);
  }
  const own = Object.getOwnPropertyDescriptor(target, 'module')?.value as unknown;
  if (own !== undefined && own !== module) throw refusal(target, 'has a static module already, and another one');
  Object.defineProperty(target, 'module', { value: module, enumerable: true, configurable: true });
  return target as Class & { readonly module: string };
}

function refusal(target: Function, complaint: string, method?: string): ConclaveError {
  return new ConclaveError('ERR_INVALID_OBJECT', `The class ${target.name || '(anonymous)'} ${complaint}.`, {
    data: { class: target.name, ...(method === undefined ? {} : { method }) },
  });
}
