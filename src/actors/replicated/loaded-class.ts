/**
 * Classes where their objects live, and the instances that are made of them: when a machine is, and at run time. What
 * is made is looked at before anybody can call it.
 */

import { ConclaveError, toPlainError } from '../../errors.js';
import type { ClassLoader } from './class-loader.js';
import { describeClass, invalidObject } from './describe-class.js';
import type { LoadedObject, ResolvedObject } from './object-definition.js';
import { moduleClasses } from './object-module.js';
import { StateWatch } from './state/state-watch.js';
import { ValueCodec } from './value-codec.js';

/** Of arguments. One for all: a hundred thousand objects may be made at a time. */
const codec = new ValueCodec();

/** A class on the thread of its objects, under the name that it is known by. */
export interface LoadedClass extends Pick<ResolvedObject, 'name' | 'methods' | 'commands' | 'since'> {
  readonly target: new (...args: unknown[]) => object;
}

/**
 * Loads the class of an object, or one that objects are to be created of.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT` when it is not what it was on the caller's thread.
 */
export async function loadClass(
  { name, module, exportName, methods, commands, since }: ResolvedObject,
  classes: ClassLoader = moduleClasses,
): Promise<LoadedClass> {
  const target = await classes.importExport(name, module, exportName);
  const description = describeClass(name, target);
  for (const [method, kind] of methods) {
    if (description.methods.get(method) === kind) continue;
    throw invalidObject(name, `has no ${kind} method ${method} when ${module} is loaded on the object's thread`, {
      method,
    });
  }
  const found = new Set(methodsOf(description.commands));
  for (const method of methodsOf(commands)) {
    if (found.has(method)) continue;
    throw invalidObject(name, `has no replicated method ${method} when ${module} is loaded on the object's thread`, {
      method,
    });
  }
  return { name, methods, commands, since, target: target as LoadedClass['target'] };
}

/**
 * Makes an instance. Each call makes a new one.
 *
 * @param args the encoded list of the constructor's arguments.
 * @throws ConclaveError `ERR_INVALID_OBJECT` when the constructor throws, `ERR_STATE_NOT_ENCODABLE` when it makes what
 *   no snapshot can hold.
 */
export function makeObject(
  name: string,
  { target, methods, commands, since }: LoadedClass,
  args: Uint8Array,
): LoadedObject {
  const instance = construct(name, target, codec.decode(args) as unknown[]);
  if (!(instance instanceof target)) {
    throw invalidObject(
      name,
      'is something else than an instance of its class: its constructor returns another object',
    );
  }
  for (const method of [...methods.keys(), ...methodsOf(commands)]) {
    if (!Object.hasOwn(instance, method)) continue;
    throw invalidObject(name, `has a field ${method} that hides its method of the same name: rename one`, { method });
  }
  const prototype = Object.getPrototypeOf(instance) as object;
  const loaded = { name, instance, prototype, madeFields: Object.keys(instance), methods, commands, since };
  const refusal = new StateWatch(loaded).checkAll();
  if (refusal !== null) throw notMade(refusal);
  return loaded;
}

function methodsOf(commands: ResolvedObject['commands']): string[] {
  return [...commands.values()].flatMap((implementations) => implementations.map(({ method }) => method));
}

/** Nothing holds it, and nothing has changed. */
function notMade({ code, message, data }: ConclaveError): ConclaveError {
  return new ConclaveError(code, message, { data, mayBeApplied: false });
}

function construct(name: string, target: LoadedClass['target'], args: unknown[]): object {
  try {
    return new target(...args);
  } catch (cause) {
    const message = toPlainError(cause).message.replace(/\.$/, '');
    const complaint = `cannot be made, for the constructor of its class throws: ${message}`;
    const advice = args.length > 0 ? '' : '; it was given no arguments: arguments go in object(Class, …)';
    throw invalidObject(name, complaint + advice, {}, cause);
  }
}
