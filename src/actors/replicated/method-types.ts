/**
 * What the types of methods have in common, for decorators, `defineObject` and handles. Types only.
 */

/** Any method at all: parameters are contravariant, so that `never` accepts every list of them. */
export type AnyMethod = (...args: never[]) => unknown;

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- two conditional types, compared as they are
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/**
 * Does a method have to be waited for? `true` as well when only some of its results are promises; `false` for `any`.
 *
 * Asked in one check, of the method together with two answers about its result, because that is what the compiler
 * decides at once for a result that is a type parameter of the class (no); anything simpler it puts off until the
 * parameter is known, and then no method of a generic class could be decorated.
 */
export type IsAsync<Method extends AnyMethod> = Method & {
  // oxlint-disable-next-line typescript/no-explicit-any -- it is the question
  isAny: Same<ReturnType<Method>, any>;
  hasNoPromise: Same<Extract<ReturnType<Method>, PromiseLike<unknown>>, never>;
} extends { isAny: false; hasNoPromise: false }
  ? true
  : false;

/**
 * Stands where an async method stood, so that the compiler's message says what is wrong: a command runs to its end on
 * every replica before the next one starts, and so cannot wait.
 */
export interface AsyncMethodsCannotBeReplicated {
  readonly doTheWaitingBeforeTheCall: never;
}
