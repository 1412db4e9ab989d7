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

/** One life of one node: 16 random bytes as 32 hex digits, drawn at each start. */
export type Incarnation = Brand<string, 'Incarnation'>;

export const nodeId = (id: string): NodeId => id as NodeId;
export const groupId = (id: number): GroupId => id as GroupId;
export const term = (value: number): Term => value as Term;
export const logIndex = (value: number): LogIndex => value as LogIndex;
export const sessionId = (value: number): SessionId => value as SessionId;
export const incarnation = (value: string): Incarnation => value as Incarnation;
