/**
 * How blocks name what they call. No object's or class's name has a dot in it, so that none of these can be taken for
 * another:
 *
 *   object.method           an object of the options .object.class.method    one that was created at run time, as one
 *   of this class: its name may be given to one of another while the call is on its way .create, .drop          what is
 *   done to those
 */

export const CREATE = { object: '', method: 'create' } as const;
export const DROP = { object: '', method: 'drop' } as const;

/** An object that was created at run time, as those see it who call it. */
export interface CreatedName {
  readonly object: string;
  /** The class that it is taken to be of, as `classes` has it. */
  readonly class: string;
}

/** The object's part of the names of its methods, for one that was created at run time. */
export function calledCreated({ object, class: className }: CreatedName): string {
  return `${createdPrefix(object)}.${className}`;
}

/** What {@link calledCreated} was made from, if it was; also where the name of a method follows. */
export function createdName(called: string): (CreatedName & { readonly method: string }) | null {
  const [before, object, className, ...method] = called.split('.');
  return before !== '' || className === undefined
    ? null
    : { object: object!, class: className, method: method.join('.') };
}

/** What a created object is called where objects of the options are told from it, whatever its class. */
export function createdPrefix(object: string): string {
  return `.${object}`;
}
