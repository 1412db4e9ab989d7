/**
 * Objects that are created at run time, as the user's thread sees them: how they are created and dropped, and the
 * handles to them. Knows the classes that may be created; which objects there are only the log knows.
 */

import { ConclaveError } from '../../errors.js';
import { checkArgsCount } from './block-builder.js';
import { MethodName } from './block-names.js';
import { ORDINARY_CALL } from './call.js';
import type { Caller } from './caller.js';
import { calledCreated, CREATE, DROP } from './command-name.js';
import { HandleFactory } from './handle.js';
import { checkName, type ResolvedObject } from './object-definition.js';

/** A class on the user's thread, with what its registration says of it. */
interface Creatable {
  readonly registered: ResolvedObject;
  readonly create: MethodName;
}

export class CreatedHandles {
  readonly #caller: Caller;
  readonly #classes: ReadonlyMap<Function, Creatable>;
  readonly #drop = new MethodName(DROP.object, DROP.method);

  constructor(caller: Caller, classes: ReadonlyMap<Function, ResolvedObject>) {
    this.#caller = caller;
    this.#classes = new Map(
      Array.from(classes, ([target, registered]) => {
        const create = new MethodName(CREATE.object, CREATE.method, registered.since);
        return [target, { registered, create }];
      }),
    );
  }

  async create(name: string, target: Function, args: readonly unknown[]): Promise<void> {
    checkName(name);
    const { registered, create } = this.#creatable(name, target);
    checkArgsCount(`new ${registered.name}`, args);
    await this.#caller.command(create, [name, registered.name, args], ORDINARY_CALL);
  }

  async drop(name: string): Promise<void> {
    checkName(name);
    await this.#caller.command(this.#drop, [name], ORDINARY_CALL);
  }

  handle(name: string, target: Function): object {
    checkName(name);
    const { name: className, methods, commands, waits } = this.#creatable(name, target).registered;
    const called = calledCreated({ object: name, class: className });
    return new HandleFactory(this.#caller, { name: called, methods, commands, waits }).handle();
  }

  #creatable(name: string, target: Function): Creatable {
    const creatable = this.#classes.get(target);
    if (creatable !== undefined) return creatable;
    if (typeof target !== 'function') {
      throw new ConclaveError(
        'ERR_INVALID_OBJECT',
        `The object ${name} needs the class itself, which is given as ${typeof target}.`,
        {
          data: { object: name },
        },
      );
    }
    const className = target.name;
    throw new ConclaveError(
      'ERR_INVALID_OBJECT',
      `The object ${name} is to be of the class ${className}, which the option classes does not name: write classes: ` +
        `{ ${className} } on every node.`,
      { data: { object: name, class: className } },
    );
  }
}
