/**
 * The objects that commands have created: which there are, of which class, and made with what. The same on every
 * replica at the same place in the log, and on every machine of a node, each of which has the instances of its own ones
 * only. Classes are found by the name that they are registered under on every node: nothing that comes from elsewhere
 * is ever loaded.
 */

import { ConclaveError } from '../../errors.js';
import type { CreatedName } from './command-name.js';
import { makeObject, type LoadedClass } from './loaded-class.js';
import { checkName, type LoadedObject } from './object-definition.js';
import { StateWatch } from './state/state-watch.js';
import type { ValueCodec } from './value-codec.js';

export interface CreatedObject {
  readonly class: LoadedClass;
  /** The encoded list of the constructor's arguments. */
  readonly args: Uint8Array;
  /** Null: it lives on another machine of the node. */
  readonly live: { readonly loaded: LoadedObject; readonly watch: StateWatch } | null;
}

/** One created object in a snapshot, besides its state. */
export type SavedObject = readonly [name: string, className: string, args: Uint8Array];

const CREATED_MAX = 100_000;

export class CreatedObjects {
  readonly #classes: ReadonlyMap<string, LoadedClass>;
  readonly #codec: ValueCodec;
  readonly #isHere: (name: CreatedName) => boolean;
  /** By name, in the order of their creation. */
  readonly #objects = new Map<string, CreatedObject>();

  /** `isHere` says which objects live on this machine. */
  constructor(classes: readonly LoadedClass[], codec: ValueCodec, isHere: (name: CreatedName) => boolean) {
    this.#classes = new Map(classes.map((each) => [each.name, each]));
    this.#codec = codec;
    this.#isHere = isHere;
  }

  /** Those that live here. */
  get live(): LoadedObject[] {
    return Array.from(this.#objects.values()).flatMap(({ live }) => (live === null ? [] : [live.loaded]));
  }

  /** Undefined: there is none of this name, or it is of another class than who calls it takes it for. */
  get({ object: name, class: className }: CreatedName): CreatedObject | undefined {
    const object = this.#objects.get(name);
    return object?.class.name === className ? object : undefined;
  }

  /** Is objects' creation of this class a thing that the code version in force has? */
  knows(className: unknown, codeVersion: number): className is string {
    const known = typeof className === 'string' ? this.#classes.get(className) : undefined;
    return known !== undefined && known.since <= codeVersion;
  }

  /**
   * Creates an object. What is thrown is the command's answer, the same on every replica, and nothing has changed then.
   *
   * @throws ConclaveError `ERR_OBJECT_EXISTS`, `ERR_TOO_MANY_OBJECTS`, `ERR_INVALID_OPTION`, `ERR_INVALID_OBJECT`,
   *   `ERR_STATE_NOT_ENCODABLE`.
   */
  create(name: string, className: string, args: readonly unknown[]): void {
    checkName(name);
    if (this.#objects.has(name)) {
      throw new ConclaveError('ERR_OBJECT_EXISTS', `There is an object ${name} already.`, { data: { object: name } });
    }
    if (this.#objects.size >= CREATED_MAX) {
      throw new ConclaveError(
        'ERR_TOO_MANY_OBJECTS',
        `There are ${CREATED_MAX} objects already, and there may be no more: drop some, or keep more in one of them.`,
        { data: { object: name, objectsMax: CREATED_MAX } },
      );
    }
    const encoded = this.#codec.encodeInto(args).slice();
    // Made in any case: whether there is the object depends on whether it can be.
    this.#add(name, className, encoded, makeObject(name, this.#classes.get(className)!, encoded));
  }

  /** @throws ConclaveError `ERR_NO_SUCH_OBJECT` */
  drop(name: string): CreatedObject {
    const object = this.#objects.get(name);
    if (object === undefined) throw noSuchObject({ object: name });
    this.#objects.delete(name);
    return object;
  }

  save(): SavedObject[] {
    return [...this.#objects].map(
      ([
        name,
        {
          class: { name: className },
          args,
        },
      ]) => [name, className, args],
    );
  }

  /** Makes anew what another machine has saved; their states are to be restored yet. */
  restore(saved: readonly SavedObject[]): void {
    for (const [name, className, args] of saved) {
      if (!this.#classes.has(className)) {
        throw new ConclaveError(
          'ERR_INVALID_OBJECT',
          `The snapshot of this node holds an object ${name} of the class ${className}, and no class of that name is ` +
            'registered: name it in the option classes, for its state would be lost otherwise.',
          { data: { object: name, class: className } },
        );
      }
      const isHere = this.#isHere({ object: name, class: className });
      this.#add(name, className, args, isHere ? makeObject(name, this.#classes.get(className)!, args) : null);
    }
  }

  #add(name: string, className: string, args: Uint8Array, loaded: LoadedObject | null): void {
    const isLive = loaded !== null && this.#isHere({ object: name, class: className });
    const live = isLive ? { loaded, watch: new StateWatch(loaded) } : null;
    this.#objects.set(name, { class: this.#classes.get(className)!, args, live });
  }
}

/** @param called the object, and the class that it is taken to be of where that matters. */
export function noSuchObject({ object, class: className }: { object: string; class?: string }): ConclaveError {
  const of = className === undefined ? '' : ` of the class ${className}`;
  return new ConclaveError(
    'ERR_NO_SUCH_OBJECT',
    `There is no object ${object}${of}: it has not been created, or has been dropped.`,
    { data: { object, ...(className === undefined ? {} : { class: className }) } },
  );
}
