/**
 * The user's handles by the names of their objects, on the user's thread: plain to look at, and an error where a name
 * is misspelt, which would otherwise show as a method of undefined.
 */

import { ConclaveError } from '../errors.js';

/**
 * What nobody asks for who means an object: the language asks whether this is a promise or has a form of its own as
 * JSON, and test frameworks whether it is one of theirs.
 */
const ASKED_BY_OTHERS: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'asymmetricMatch',
  'nodeType',
  'tagName',
  '$$typeof',
]);

/** Behaves as `handles` does, but that a name which is not in it is `ERR_UNKNOWN_OBJECT` when it is read. */
export function objectsByName<Handles extends object>(handles: Handles): Handles {
  return new Proxy(handles, {
    get(target, name, receiver) {
      const isAnswered = typeof name === 'symbol' || Reflect.has(target, name) || ASKED_BY_OTHERS.has(name);
      if (isAnswered) return Reflect.get(target, name, receiver) as unknown;
      throw unknownObject(name, Object.keys(target));
    },
  });
}

/** The error where there are only `names`. */
export function unknownObject(name: string, names: readonly string[]): ConclaveError {
  const others = names.length === 0 ? 'it has none at all' : `there are ${names.join(', ')}`;
  return new ConclaveError('ERR_UNKNOWN_OBJECT', `This node has no object ${name}; ${others}.`, {
    data: { object: name, objects: names },
  });
}
