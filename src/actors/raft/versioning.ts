/**
 * How a leader raises the version of the objects' code that is in force: by an entry, once everybody who applies the
 * log is known to have code of that version, for who has not would have to stop at it. It never goes down.
 */

import type { NodeId } from '../../ids.js';
import { codeVersionContent } from './code-version-entry.js';
import { membersOf } from './configuration.js';
import type { VersionRefusal } from './effects.js';
import { timestampOf, type Core, type Leader } from './state.js';

/**
 * Somebody wants a version to be in force. What is begun here is in force once it is committed.
 *
 * @returns why it is refused; null: it has been begun, or was already.
 */
export function startRaise(core: Core, leader: Leader, version: number): VersionRefusal | null {
  const refusal = whyNot(core, leader, version);
  if (refusal === null && version > known(core, leader)) append(core, leader, version);
  return refusal;
}

/** Raises it as far as everybody's code goes, where that is to be done without being asked. */
export function raiseBySelf(core: Core, leader: Leader): void {
  const { autoCodeVersion, codeVersionMax } = core.options;
  if (!autoCodeVersion || codeVersionMax <= known(core, leader)) return;
  const version = Math.min(codeVersionMax, ...followers(core).map((id) => core.codeVersions.get(id) ?? 0));
  if (version > known(core, leader) && isFree(core, leader)) append(core, leader, version);
}

/** Can it apply the log? Who cannot will stop where the log says so, and must not become a voter before that. */
export function hasCodeInForce(core: Core, leader: Leader, id: NodeId): boolean {
  const codeVersionMax = core.codeVersions.get(id) ?? 0;
  // No leader goes on behind a version that it has no code of itself.
  if (codeVersionMax >= core.options.codeVersionMax) return true;
  return core.lastApplied >= leader.noopIndex && codeVersionMax >= known(core, leader);
}

/** What the log says already, committed or not. */
function known(core: Core, leader: Leader): number {
  return Math.max(core.codeVersion, leader.codeVersion);
}

function whyNot(core: Core, leader: Leader, version: number): VersionRefusal | null {
  if (!isFree(core, leader)) return { reason: 'under way' };
  const current = known(core, leader);
  if (version < current) return { reason: 'lower', current };
  const { codeVersionMax, self } = core.options;
  const others = followers(core).map((id) => [id, core.codeVersions.get(id) ?? null] as const);
  const lacking = [[self, codeVersionMax] as const, ...others].filter(([, max]) => max === null || max < version);
  return version === current || lacking.length === 0 ? null : { reason: 'unsupported', lacking };
}

/** Everybody else who applies the log: the members, be they there or not, and whoever is connected. */
function followers({ configurations, connected, options }: Core): NodeId[] {
  const ids = new Set([...membersOf(configurations.current), ...connected]);
  ids.delete(options.self);
  return [...ids];
}

/** Has this leader applied all that earlier ones may have said of versions? */
function isFree({ lastApplied, handover }: Core, leader: Leader): boolean {
  return lastApplied >= leader.noopIndex && handover === null;
}

function append(core: Core, leader: Leader, version: number): void {
  const index = core.log.append(codeVersionContent(version), core.term, timestampOf(core));
  leader.codeVersion = version;
  for (const peer of leader.peers.values()) peer.wantedCommit = index;
}
