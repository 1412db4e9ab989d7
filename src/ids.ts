/**
 * The identifiers that travel between layers. Each is branded, so that a term cannot be passed where an index is
 * meant. All numbers are whole and at most 2^53 - 1.
 */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A node's name, which is also its address: `host:port`. */
export type NodeId = Brand<string, 'NodeId'>;

/** A Raft group. The first release runs one, number 0. */
export type GroupId = Brand<number, 'GroupId'>;

/** A Raft term: counts elections. Never goes down. */
export type Term = Brand<number, 'Term'>;

/** The position of an entry in the log. The first entry has 1; 0 is "before the log". */
export type LogIndex = Brand<number, 'LogIndex'>;

/** A session of the exactly-once protocol: the index of the entry that opened it, hence unique for ever. */
export type SessionId = Brand<number, 'SessionId'>;

/**
 * What a node remembers, by name: 16 random bytes as 32 hex digits, drawn when it begins with nothing. Kept in its data
 * directory; a node that has lost its memory, or keeps it in memory only and starts again, has a new one.
 */
export type Incarnation = Brand<string, 'Incarnation'>;

/** One life of one node, from its start to its end: 16 random bytes as 32 hex digits. Names its session. */
export type Life = Brand<string, 'Life'>;

export const nodeId = (id: string): NodeId => id as NodeId;
export const groupId = (id: number): GroupId => id as GroupId;
export const term = (value: number): Term => value as Term;
export const logIndex = (value: number): LogIndex => value as LogIndex;
export const sessionId = (value: number): SessionId => value as SessionId;
export const incarnation = (value: string): Incarnation => value as Incarnation;
export const life = (value: string): Life => value as Life;

/**
 * The id of an observer: it has no address of its own, so it is named by its incarnation. It cannot be mistaken for a
 * node's, for it has no port.
 */
export function observerId(own: Incarnation): NodeId {
  return nodeId(`observer-${own.slice(0, 12)}`);
}

export function isObserverId(id: NodeId): boolean {
  return OBSERVER_ID.test(id);
}

const OBSERVER_ID = /^observer-[0-9a-f]{12}$/;

/**
 * The last entry that a snapshot has taken the place of (Raft figure 13), with its timestamp, which must not run
 * backwards behind it. Index 0: nothing has been taken the place of.
 */
export interface LastIncluded {
  readonly index: LogIndex;
  readonly term: Term;
  readonly timestampMs: number;
}
