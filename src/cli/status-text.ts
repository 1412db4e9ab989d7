/**
 * The status of a node as people read it: what its health means, and how far each member is behind where the node knows
 * that. Everything else as the node says it, for a newer one may say more. Pure.
 */

import { describeFields } from './printing.js';

type Fields = Readonly<Record<string, unknown>>;

/** As in docs/operations.md. */
const HEALTHS: ReadonlyMap<unknown, string> = new Map([
  ['starting', 'consensus has not said anything yet'],
  ['founding', 'it knows of no cluster yet'],
  [
    'catching up',
    'there is a leader, and this node has not applied yet what was committed when it found it, after its start or after it was cut off; or it is being given a snapshot',
  ],
  ['ok', 'it takes part'],
  ['no quorum', 'it knows no leader, or is one that reaches no quorum; commands wait'],
  ['memory lost', 'too many members have forgotten the cluster for it to go on'],
  ['object failed', 'a thread of objects has ended and is being brought back; nothing is lost'],
  ['thread dead', 'a thread has ended for good, and the node with it'],
  ['failed', 'the node cannot go on for another reason, its disk for instance'],
  ['stopped', '`stop()` was called, or the node was removed from the cluster'],
]);

export function statusText(status: Fields): string {
  const { health, lastIndex, members } = status;
  const meaning = HEALTHS.get(health);
  return describeFields({
    ...status,
    ...(meaning === undefined ? {} : { health: `${health as string}: ${meaning}` }),
    ...(Array.isArray(members) ? { members: members.map((member) => withLag(member, lastIndex)) } : {}),
  });
}

/** `entriesBehind` is told where the leader has been asked: nobody else knows. */
function withLag(member: unknown, lastIndex: unknown): unknown {
  const matchIndex = (member as { readonly matchIndex?: unknown } | null)?.matchIndex;
  if (typeof matchIndex !== 'number' || typeof lastIndex !== 'number') return member;
  return { ...(member as Fields), entriesBehind: Math.max(0, lastIndex - matchIndex) };
}
