/**
 * Nodes that talk to each other without a network between them: what one says the other takes at once, in order, and
 * every disk is done with what it was given. For claims about what two or more nodes come to together.
 */

import { majorityConfiguration, type Configuration } from '../../../../../src/actors/raft/configuration.js';
import type { PeerMessage } from '../../../../../src/actors/raft/messages.js';
import { nodeId, type NodeId } from '../../../../../src/ids.js';
import { sentLaterOf, sentOf, type Subject } from '../roles/fixture.js';

export interface Said {
  readonly to: NodeId;
  readonly message: PeerMessage;
}

/** Two nodes that never come to an end would otherwise hang. */
const MESSAGES_MAX = 500;

/**
 * Lets nodes talk, beginning with what has been said already, until none has anything more to say; returns what was
 * said. What is for others is lost.
 */
export function converse(subjects: readonly Subject[], first: readonly Said[] = []): Said[] {
  const said: Said[] = [];
  const underWay = [...first, ...subjects.flatMap((subject) => settle(subject))];
  for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
    if (said.push(next) > MESSAGES_MAX) throw new Error('they never come to an end');
    const { to, message } = next;
    const receiver = subjects.find(({ core }) => core.options.self === to);
    if (receiver === undefined) continue;
    underWay.push(...sentOf(receiver.peer(message)), ...settle(receiver));
  }
  return said;
}

/** Lets a node do all that it can do alone; returns what it says. */
function settle(subject: Subject): Said[] {
  const said: Said[] = [];
  for (let effects = [...subject.flush()]; effects.length > 0; effects = [...subject.flush()]) {
    said.push(...sentOf(effects), ...sentLaterOf(effects), ...sentOf(subject.written(effects)));
  }
  return said;
}

/** `a`, `b`, and so on. */
export function votersOf(size: number): NodeId[] {
  return Array.from({ length: size }, (_, i) => nodeId(String.fromCodePoint(97 + i)));
}

export function configurationOf(size: number): Configuration {
  return majorityConfiguration(votersOf(size));
}
