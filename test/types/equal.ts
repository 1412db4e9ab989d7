/** Comparing types in tests that are run by the compiler. */

/** True for types that are the same, and not just assignable to each other. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- two conditional types, compared as they are
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not compile unless the two types are the same: `expectEqual<A, B>(true)`. */
export function expectEqual<A, B>(_equal: Equal<A, B>): void {}
