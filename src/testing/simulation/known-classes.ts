/**
 * The classes that a simulation's objects may have, found at once: loading a module takes real time, while virtual time
 * would run away.
 */

import { invalidObject } from '../../actors/replicated/describe-class.js';
import type { ClassLoader } from '../../actors/replicated/class-loader.js';
import { classOf, type CreatableClasses, type ObjectDefinitions } from '../../actors/replicated/object-definition.js';

export class KnownClasses implements ClassLoader {
  readonly #classes: readonly Function[];

  /** `creatable`: those that objects are created of. */
  constructor(builds: readonly ObjectDefinitions[], creatable: CreatableClasses = {}) {
    const classes = builds
      .flatMap((each) => Object.values(each))
      .map((each) => ('class' in each ? each.class : each) as Function);
    this.#classes = [...new Set([...classes, ...Object.values(creatable).map(classOf)])];
  }

  /** The same name for the same class, and never for two. */
  async exportNameOf(object: string, module: string, value: Function): Promise<string> {
    const index = this.#classes.indexOf(value);
    if (index < 0) throw invalidObject(object, 'has a class that this simulation does not know', { module });
    return `${value.name}#${index}`;
  }

  async importExport(object: string, module: string, exportName: string): Promise<unknown> {
    const found = this.#classes[Number(exportName.split('#').at(-1))];
    if (found === undefined) throw invalidObject(object, 'has a class that this simulation does not know', { module });
    return found;
  }
}
