/** A change of members that the operator of a simulated cluster has asked a node for. */

import type { NodeId } from '../../../ids.js';

export interface AskedChange {
  readonly add: NodeId | null;
  readonly remove: NodeId | null;
  /** How long the call may wait, by the clock of the node. */
  readonly timeoutMs: number;
}

/** What is asked, for people to read. */
export function inWords({ add, remove }: AskedChange): string {
  if (remove === null) return `add ${add}`;
  return add === null ? `remove ${remove}` : `replace ${remove} by ${add}`;
}

/** Those whose membership it is about. */
export function concerns({ add, remove }: AskedChange): readonly NodeId[] {
  return [add, remove].filter((id) => id !== null);
}
