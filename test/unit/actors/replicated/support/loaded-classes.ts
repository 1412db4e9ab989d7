/**
 * Classes of created objects as a machine is given them, and one for tests whose command changes with the code's
 * version.
 */

import { replicated } from '../../../../../src/actors/replicated/decorators.js';
import { describeClass } from '../../../../../src/actors/replicated/describe-class.js';
import type { LoadedClass } from '../../../../../src/actors/replicated/loaded-class.js';

/** Its command does something else from version 1 on. */
export class Doubler {
  static readonly module = import.meta.url;
  private total = 1;

  @replicated grow(): number {
    return (this.total += 1);
  }

  @replicated({ version: 1, of: 'grow' }) double(): number {
    return (this.total *= 2);
  }
}

export function loaded(name: string, target: LoadedClass['target']): LoadedClass {
  const { methods, commands } = describeClass(name, target);
  return { name, target, methods, commands, since: 0 };
}
