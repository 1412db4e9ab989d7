/**
 * Objects on their way from the options of a runtime to the thread that they live on: `object()` says how one is made,
 * `resolveDefinition` checks that on the caller's thread and turns it into plain data, and `loadObject` makes the
 * instance of it where the object is to live.
 */

import { ConclaveError } from '../../errors.js';
import { attend } from './attendant.js';
import type { ClassLoader } from './class-loader.js';
import {
  describeClass,
  invalidObject,
  type Implementation,
  type ObjectClass,
  type WaitingMethod,
} from './describe-class.js';
import { complaintAboutVersion, type MethodKind } from './method-mark.js';
import { loadClass, makeObject } from './loaded-class.js';
import { moduleClasses } from './object-module.js';
import type { ValueCodec } from './value-codec.js';
import { isWellFormed } from './value-forms.js';

/** A class and what its constructor is given; see {@link object}. */
export interface ObjectDefinition<T extends object = object> {
  readonly class: ObjectClass<T>;
  readonly args: readonly unknown[];
  /** The code version from which on there is the object; see {@link since}. */
  readonly since?: number;
}

/** What `objects` of a runtime's options may hold: a class whose constructor needs no arguments, or a definition. */
export type ObjectDefinitions = Readonly<Record<string, ObjectClass<object, []> | ObjectDefinition>>;

/** What `classes` of a runtime's options may hold: objects are created with arguments of their own. */
export type CreatableClasses = Readonly<
  Record<string, ObjectClass | { readonly class: ObjectClass; readonly since: number }>
>;

/** An object that has been checked, as plain data: it crosses threads. */
export interface ResolvedObject {
  readonly name: string;
  readonly module: string;
  readonly exportName: string;
  /** The encoded list of the constructor's arguments. */
  readonly args: Uint8Array<ArrayBuffer>;
  /** What callers call. */
  readonly methods: ReadonlyMap<string, MethodKind>;
  readonly waits: Readonly<Record<string, WaitingMethod>>;
  /**
   * By command, the methods that carry it out and from which code version of the cluster on, oldest first: none is of a
   * version before the object's own.
   */
  readonly commands: ReadonlyMap<string, readonly Implementation[]>;
  /** The code version from which on there is the object. */
  readonly since: number;
}

/** An object where it lives. */
export interface LoadedObject extends Pick<ResolvedObject, 'name' | 'methods' | 'commands' | 'since'> {
  readonly instance: object;
  /** What it was made to inherit from, its methods above all; fields may be called like them. */
  readonly prototype: object;
  /** The names of the own fields that its constructor has made. */
  readonly madeFields: readonly string[];
}

/** The highest code version that objects know. */
export function codeVersionMaxOf(objects: readonly Pick<ResolvedObject, 'since' | 'commands'>[]): number {
  const versions = objects.flatMap(({ since: from, commands }) => [
    from,
    ...[...commands.values()].flatMap((implementations) => implementations.map(({ version }) => version)),
  ]);
  return Math.max(0, ...versions);
}

const OBJECT_NAME_LENGTH_MAX = 128;

/**
 * Says how an object is made: its class, and the arguments of its constructor. Every node makes the object anew when it
 * starts, and brings it up to date from the log; so the constructor must be deterministic, and the arguments the same
 * on every node.
 *
 * @example
 * const objects = { scores: object(ReplMap<string, number>), jobs: object(JobQueue, { capacity: 100 }) };
 */
export function object<T extends object, Args extends readonly unknown[]>(
  target: (new (...args: Args) => T) & { readonly module: string },
  ...args: Args
): ObjectDefinition<T> {
  return { class: target as unknown as ObjectClass<T>, args };
}

/**
 * Says that there is an object from a code version of the cluster on: until then its commands cannot be called. So
 * servers whose code has the object form one cluster with those whose code does not have it yet.
 *
 * @example
 * const objects = { hits: ReplCounter, scores: since(1, object(ReplMap<string, number>)) };
 */
export function since<T extends object, Args extends readonly never[]>(
  version: number,
  definition: ObjectClass<T, Args> | ObjectDefinition<T>,
): ObjectDefinition<T> & { readonly since: number } {
  if (typeof definition !== 'function') return { ...definition, since: version };
  return { class: definition as unknown as ObjectClass<T>, args: [], since: version };
}

/**
 * Checks a definition and turns it into plain data.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION` for the name, `ERR_INVALID_OBJECT` for the class, `ERR_NOT_ENCODABLE` for
 *   the arguments; `data.object` is the name.
 */
export async function resolveDefinition(
  name: string,
  definition: unknown,
  codec: ValueCodec,
  classes: ClassLoader = moduleClasses,
): Promise<ResolvedObject> {
  checkName(name);
  const {
    class: target,
    args,
    since: from = 0,
  } = isDefinition(definition) ? definition : { class: definition, args: [] };
  const complaint = complaintAboutVersion(from);
  if (complaint !== undefined) throw invalidObject(name, complaint);
  const { module, methods, commands, waits } = describeClass(name, target);
  const encoded = encodeArgs(name, args, codec);
  const exportName = await classes.exportNameOf(name, module, target as Function);
  return {
    name,
    module,
    exportName,
    args: encoded,
    methods,
    waits,
    commands: commandsFrom(from, commands),
    since: from,
  };
}

/** Of the methods that are older than the object itself, its newest one is what a command does at first. */
function commandsFrom(from: number, commands: ResolvedObject['commands']): ResolvedObject['commands'] {
  const clamped = [...commands].map(([command, implementations]): [string, Implementation[]] => {
    const byVersion = new Map(implementations.map(({ version, method }) => [Math.max(from, version), method]));
    return [command, [...byVersion].map(([version, method]) => ({ version, method }))];
  });
  return new Map(clamped);
}

/**
 * Checks a class that objects are to be created of, as `resolveDefinition` does an object.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION` for the name, `ERR_INVALID_OBJECT` for the class.
 */
export async function resolveClass(
  name: string,
  definition: CreatableClasses[string],
  codec: ValueCodec,
  classes: ClassLoader = moduleClasses,
): Promise<ResolvedObject> {
  if (attend in classOf(definition)) {
    throw invalidObject(
      name,
      'cannot be created at run time, for it needs the node to do its share: name it in objects',
    );
  }
  if (typeof definition === 'function') return resolveDefinition(name, definition, codec, classes);
  return resolveDefinition(name, { ...definition, args: [] }, codec, classes);
}

/** The class itself. */
export function classOf(definition: CreatableClasses[string]): ObjectClass {
  return typeof definition === 'function' ? definition : definition.class;
}

/**
 * Makes the instance of a resolved object. Each call makes a new one.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT` when the class is not what it was on the caller's thread, or its
 *   constructor throws; `ERR_STATE_NOT_ENCODABLE` when that makes what no snapshot can hold.
 */
export async function loadObject(
  resolved: ResolvedObject,
  classes: ClassLoader = moduleClasses,
): Promise<LoadedObject> {
  return makeObject(resolved.name, await loadClass(resolved, classes), resolved.args);
}

/** Can an object have this name? */
export function isName(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    name.length > 0 &&
    name.length <= OBJECT_NAME_LENGTH_MAX &&
    !/[\p{Cc}.]/u.test(name) &&
    isWellFormed(name)
  );
}

/** @throws ConclaveError `ERR_INVALID_OPTION` when an object cannot have this name. */
export function checkName(name: unknown): asserts name is string {
  if (isName(name)) return;
  throw new ConclaveError(
    'ERR_INVALID_OPTION',
    `An object cannot have the name ${JSON.stringify(name)}: a name has 1 to ${OBJECT_NAME_LENGTH_MAX} characters, and among ` +
      'them neither a dot nor a control character.',
    { data: { option: 'objects', object: name } },
  );
}

function isDefinition(definition: unknown): definition is { class: unknown; args: readonly unknown[]; since?: number } {
  if (typeof definition !== 'object' || definition === null) return false;
  return 'class' in definition && 'args' in definition && Array.isArray(definition.args);
}

function encodeArgs(name: string, args: readonly unknown[], codec: ValueCodec): Uint8Array<ArrayBuffer> {
  try {
    return codec.encodeInto(args).slice();
  } catch (error) {
    if (!(error instanceof ConclaveError)) throw error;
    const message = `The object ${name} cannot be given its arguments: ${error.message}`;
    throw new ConclaveError(error.code, message, { data: { object: name, ...error.data }, cause: error });
  }
}
