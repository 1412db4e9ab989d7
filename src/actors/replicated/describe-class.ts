/**
 * What a class says about itself: which of its methods are commands and queries, where it can be imported from, and
 * whether all of its state can be snapshotted. Pure inspection, on the caller's thread when an object is registered and
 * again on the object's thread; it never makes an instance.
 */

import { ConclaveError } from '../../errors.js';
import { privateFieldIn } from './class-source.js';
import { complaintAbout, markOf, type MethodKind } from './method-mark.js';
import { ownerOfHooks } from './own-hooks.js';

/** A class whose objects can be replicated, as far as types can tell. */
export type ObjectClass<T extends object = object, Args extends readonly never[] = never[]> = (new (
  ...args: Args
) => T) & {
  /** Where the class can be imported from: `import.meta.url` of the file that exports it. */
  readonly module: string;
};

/** When a method that can wait has nothing to do yet, and what may help. Plain data. */
export interface WaitingMethod {
  /** What it returns then: a primitive. */
  readonly while: unknown;
  /** The `type`s of changes after which it is tried again. */
  readonly until: readonly string[];
}

export interface ClassDescription {
  readonly module: string;
  /** The replicated methods that can wait: `static readonly waits`. */
  readonly waits: Readonly<Record<string, WaitingMethod>>;
  /** What callers call, in the order in which the classes declare it, base classes last. */
  readonly methods: ReadonlyMap<string, MethodKind>;
  /** By command, the methods that carry it out. */
  readonly commands: ReadonlyMap<string, readonly Implementation[]>;
}

/** A method that is what a command does from a code version on, until there is a newer one. */
export interface Implementation {
  readonly version: number;
  readonly method: string;
}

/**
 * Describes a class that is registered under `object`.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT` when its objects cannot be replicated; the message says what to change.
 */
export function describeClass(object: string, value: unknown): ClassDescription {
  if (typeof value !== 'function' || !/^class\b/.test(sourceOf(value))) {
    const type = value === null ? 'null' : typeof value;
    const found = type === 'function' ? 'a function, or a class of the language itself' : `of type ${type}`;
    throw invalidObject(object, `is not a class but ${found}: register a class, or object(Class, …arguments)`);
  }
  const module = moduleOf(object, value);
  const { methods, commands } = methodsOf(object, value);
  checkState(object, value);
  return { module, methods, commands, waits: waitsOf(object, value, methods) };
}

/** The error for an object that cannot be replicated as it is. `complaint` ends the sentence that its name starts. */
export function invalidObject(object: string, complaint: string, data: object = {}, cause?: unknown): ConclaveError {
  return new ConclaveError('ERR_INVALID_OBJECT', `The object ${object} ${complaint}.`, {
    data: { object, ...data },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What `static readonly waits` says, of this class or one that it extends. */
function waitsOf(object: string, value: Function, methods: ReadonlyMap<string, MethodKind>): ClassDescription['waits'] {
  const { waits = {} } = value as { waits?: unknown };
  const isRecord = typeof waits === 'object' && waits !== null;
  const wrong = isRecord
    ? Object.entries(waits).find(([method, how]) => methods.get(method) !== 'replicated' || !isWaitingMethod(how))?.[0]
    : '';
  if (wrong === undefined) return waits as ClassDescription['waits'];
  const complaint = `has static waits that cannot be understood${wrong === '' ? '' : ` for ${wrong}`}`;
  throw invalidObject(object, `${complaint}: of replicated methods, { while: a primitive, until: types of changes }`, {
    class: value.name,
  });
}

function isWaitingMethod(how: unknown): how is WaitingMethod {
  if (typeof how !== 'object' || how === null) return false;
  const { while: result, until } = how as Partial<WaitingMethod>;
  const isPlain = result === null || !['object', 'function', 'symbol'].includes(typeof result);
  return isPlain && Array.isArray(until) && until.every((type) => typeof type === 'string');
}

function sourceOf(value: Function): string {
  return Function.prototype.toString.call(value);
}

/** What the class itself says: an inherited `module` names the file of another class. */
function moduleOf(object: string, value: Function): string {
  const module = Object.hasOwn(value, 'module') ? (value as { module?: unknown }).module : undefined;
  const { name } = value;
  const advice = `write "static readonly module = import.meta.url;" in the class ${name}`;
  if (module === undefined) {
    throw invalidObject(object, `does not say where its class can be loaded from: ${advice}, and export it`, {
      class: name,
    });
  }
  if (isModuleUrl(module)) return module;
  const found = typeof module === 'string' ? module : `of type ${typeof module}`;
  throw invalidObject(object, `has a class whose module is ${found}, which is no URL of a file: ${advice}`, {
    class: name,
    module: found,
  });
}

/** Can a class be imported from this on any thread? */
export function isModuleUrl(module: unknown): module is string {
  const protocol = typeof module === 'string' && URL.canParse(module) ? new URL(module).protocol : undefined;
  return protocol === 'file:' || protocol === 'data:';
}

/** From the class to its bases: the nearest mark of a name decides, and an override without a mark keeps it. */
function methodsOf(object: string, value: Function): Pick<ClassDescription, 'methods' | 'commands'> {
  const marked = new Set<string>();
  const methods = new Map<string, MethodKind>();
  const commands = new Map<string, Implementation[]>();
  for (const prototype of prototypesOf(value)) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const method = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown;
      const mark = typeof method === 'function' ? markOf(method) : undefined;
      if (mark === undefined || marked.has(name)) continue;
      marked.add(name);
      checkImplementation(object, value, name, mark.kind);
      const called = mark.of ?? name;
      const implementations = commands.get(called) ?? [];
      if (mark.kind === 'replicated') commands.set(called, implementations);
      const twin = implementations.find(({ version }) => version === mark.version)?.method;
      if (twin !== undefined) {
        throw invalidObject(object, `has two methods, ${twin} and ${name}, for version ${mark.version} of ${called}`, {
          method: name,
        });
      }
      implementations.push({ version: mark.version, method: name });
      if ((methods.get(called) ?? mark.kind) !== mark.kind) {
        throw invalidObject(object, `has ${called} as a command and as a query: rename one`, { method: called });
      }
      methods.set(called, mark.kind);
    }
  }
  for (const implementations of commands.values()) implementations.sort((a, b) => a.version - b.version);
  if (methods.size > 0) return { methods, commands };
  throw invalidObject(
    object,
    'has neither a replicated method nor a query: mark methods with @replicated or @query, or use defineObject',
    { class: value.name },
  );
}

/** The method that runs may be an override of the one that was marked, and not as well behaved. */
function checkImplementation(object: string, value: Function, name: string, kind: MethodKind): void {
  for (const prototype of prototypesOf(value)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    if (descriptor === undefined) continue;
    const method = descriptor.value as unknown;
    const complaint =
      typeof method === 'function' ? complaintAbout(method, name) : 'is overridden by what is not a method';
    if (complaint === undefined) return;
    throw invalidObject(object, `cannot have ${name}, for this ${kind} method ${complaint}`, { method: name });
  }
}

function* prototypesOf(value: Function): Iterable<object> {
  let prototype = value.prototype as object | null;
  while (prototype !== null && prototype !== Object.prototype) {
    yield prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
}

/** State is an object's own fields, or what its hooks say. */
function checkState(object: string, value: Function): void {
  const prototype = value.prototype as Record<string, unknown>;
  const hasSnapshot = typeof prototype['snapshot'] === 'function';
  if (hasSnapshot !== (typeof prototype['restore'] === 'function')) {
    const [present, missing] = hasSnapshot ? ['snapshot()', 'restore(state)'] : ['restore(state)', 'snapshot()'];
    throw invalidObject(object, `has ${present} but no ${missing}: define both, or neither`, { class: value.name });
  }
  if (hasSnapshot) {
    checkOwnHooks(object, value);
    return;
  }
  const hooks = 'or define snapshot() and restore(state)';
  for (const level of classesOf(value)) {
    const source = sourceOf(level);
    if (/\[native code\]\s*\}$/.test(source)) {
      const complaint = `extends ${level.name}, whose content is not in fields: keep one in a field instead, ${hooks}`;
      throw invalidObject(object, complaint, { class: value.name });
    }
    const field = privateFieldOf(level, source);
    if (field === null) continue;
    const complaint = `keeps state in ${field}, which no snapshot can see: use a TypeScript private field, ${hooks}`;
    throw invalidObject(object, complaint, { class: level.name, field });
  }
}

/** A class that extends one whose hooks know only of that one must keep nothing that they cannot see. */
function checkOwnHooks(object: string, value: Function): void {
  const owner = ownerOfHooks(value.prototype as object);
  if (owner === null) return;
  for (const level of classesOf(value)) {
    if (level === owner) return;
    const field = privateFieldOf(level, sourceOf(level));
    if (field === null) continue;
    const complaint =
      `keeps state in ${field}, of which the snapshot() of ${owner.name} knows nothing: define snapshot() and ` +
      'restore(state) in the class, which call those';
    throw invalidObject(object, complaint, { class: level.name, field });
  }
}

/** What the source of each class was found to hold: it never changes, and is looked through once. */
const privateFields = new WeakMap<Function, string | null>();

function privateFieldOf(value: Function, source: string): string | null {
  let field = privateFields.get(value);
  if (field === undefined) {
    field = privateFieldIn(source) ?? null;
    privateFields.set(value, field);
  }
  return field;
}

function* classesOf(value: Function): Iterable<Function> {
  let level: unknown = value;
  while (typeof level === 'function' && level !== Function.prototype) {
    yield level;
    level = Object.getPrototypeOf(level);
  }
}
