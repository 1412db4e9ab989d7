/**
 * The half of a replicated object that is beside its handle: on the caller's thread of every node that has the object,
 * for as long as the node runs. For ready-made objects that must do something by themselves (renew, watch over others)
 * or know who calls. It owns no replicated state, and changes the object by commands only, as its users do.
 */

import type { ConclaveError } from '../../errors.js';
import type { Timekeeper } from '../../runtime/timekeeper.js';

/** A class has an attendant if it has this static method: `(node: AttendedNode) => Attendant`. */
export const attend: unique symbol = Symbol.for('conclave.attend') as never;

/** What an attendant is given. */
export interface AttendedNode {
  /** The name of the object. */
  readonly object: string;
  /** What the object was made with. */
  readonly args: readonly unknown[];
  /** The plain handle to it, without the attendant's own methods. */
  readonly handle: unknown;
  readonly timekeeper: Timekeeper;
  /** Who this node is: its address, if it has one. */
  readonly node: string;
  /** Does the machine of a member refuse connections to its address, for nobody listens there? Never rejects. */
  readonly isRefusing: (member: string) => Promise<boolean>;
}

export interface Attendant {
  /** What handles to the object have besides its methods; each returns a promise. */
  readonly methods: Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;
  /** The term in which this node leads; null: it does not. And the members that it has no connection to. */
  leads(term: number | null, unreached: readonly string[]): void;
  /**
   * The node is about to stop in order: what should not wait for a timeout is said now. Commands still work. Never
   * rejects.
   */
  leave(reason: ConclaveError): Promise<void>;
  /** The node has stopped or failed. */
  end(reason: ConclaveError): void;
}

/** The attendant of an object, if its class has one. */
export function attendantOf(definition: unknown, node: Omit<AttendedNode, 'args'>): Attendant | null {
  const isClass = typeof definition === 'function';
  const { class: target, args } = isClass
    ? { class: definition, args: [] }
    : (definition as { readonly class: object; readonly args: readonly unknown[] });
  const make = (target as { readonly [attend]?: (node: AttendedNode) => Attendant })[attend];
  return make === undefined ? null : make({ ...node, args });
}
