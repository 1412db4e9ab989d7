/**
 * Histories drawn from a seed: sessions opened and evicted, blocks in order, twice and too early, admissions, nothing.
 */

import { configurationOf, majorityConfiguration } from '../../../../../src/actors/raft/configuration.js';
import { configurationContent } from '../../../../../src/actors/raft/configuration-entry.js';
import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import {
  object,
  resolveDefinition,
  type ResolvedObject,
} from '../../../../../src/actors/replicated/object-definition.js';
import { ReplMap } from '../../../../../src/actors/replicated/objects/map.js';
import { ValueCodec } from '../../../../../src/actors/replicated/value-codec.js';
import { incarnation, nodeId } from '../../../../../src/ids.js';
import { randomBelow, SeededRandom } from '../../../../../src/runtime/random.js';
import { Journal } from '../../replicated/fixtures/journal.js';
import { block, blockOf, life, noop, session, type Command, type EntryLike } from '../../replicated/support/blocks.js';

/** Few, so that sessions are evicted. */
export const SESSIONS_MAX = 3;

export async function resolvedObjects(): Promise<ResolvedObject[]> {
  const codec = new ValueCodec();
  return [
    await resolveDefinition('journal', object(Journal), codec),
    await resolveDefinition('map', object(ReplMap), codec),
  ];
}

/** So many entries, the first of which has index 1. */
export function randomHistory(seed: number, length: number): EntryLike[] {
  const random = new SeededRandom(seed);
  const below = (limit: number): number => randomBelow(random, limit);
  /** By session: the sequence number that it has come to. */
  const sessions = new Map<number, number>();
  const entries: EntryLike[] = [];
  let timestampMs = 1_000;
  for (let index = 1; index <= length; index++) {
    timestampMs += below(5);
    const dice = below(10);
    if (dice === 0 || sessions.size === 0) {
      entries.push(session(life('abcdef0123'[below(10)]!)));
      sessions.set(index, 1);
    } else if (dice === 1) {
      const node = nodeId(`127.0.0.1:400${below(3)}`);
      const admitted = new Map(below(3) === 0 ? [] : [[node, incarnation(`${below(10)}`.repeat(32))]]);
      const { payload } = configurationContent(configurationOf({ ...majorityConfiguration([node]), admitted }));
      entries.push({ kind: EntryKind.configuration, payload: Uint8Array.from(payload).buffer, timestampMs });
    } else if (dice === 2) {
      entries.push(noop);
    } else {
      const [id, nextSeq] = [...sessions][below(sessions.size)]!;
      const commands = Array.from({ length: 1 + below(4) }, () => randomCommand(below));
      // Now and then one comes again, or before its turn.
      const firstSeq = below(5) === 0 ? Math.max(1, nextSeq - 2 + below(5)) : nextSeq;
      if (firstSeq === nextSeq) sessions.set(id, nextSeq + commands.length);
      entries.push(block(blockOf(id, firstSeq, commands), timestampMs));
    }
  }
  return entries;
}

function randomCommand(below: (limit: number) => number): Command {
  switch (below(6)) {
    case 0:
      return ['journal', 'write', `line ${below(1_000)}`];
    case 1:
      return ['journal', 'writeAndThrow', `bad ${below(1_000)}`];
    case 2:
      return ['journal', 'writeContext'];
    case 3:
      return ['map', 'delete', `key ${below(20)}`];
    default:
      return ['map', 'set', `key ${below(20)}`, { count: below(1_000), list: [below(9), 'ä', null, 1.5] }];
  }
}
