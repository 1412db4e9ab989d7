/**
 * How blocks name what they call. No object's name has a dot in it, so that none of these can be taken for another:
 *
 *   object.method    an object of the options
 *   .object.method   one that was created at run time
 *   .create, .drop   what is done to those
 */

export const CREATE = { object: '', method: 'create' } as const;
export const DROP = { object: '', method: 'drop' } as const;

/** The object's part of the names of its methods, for one that was created at run time. */
export function createdPrefix(object: string): string {
  return `.${object}`;
}

/** The object and the method in the name of a method of a created object; null: it is no such name. */
export function createdName(name: string): { readonly object: string; readonly method: string } | null {
  const dot = name.startsWith('.') ? name.indexOf('.', 1) : -1;
  return dot < 0 ? null : { object: name.slice(1, dot), method: name.slice(dot + 1) };
}
