/**
 * New code for objects: the version in force is raised only when every member has been seen with code of it, never goes
 * down, and is the same everywhere at one place in the log; each command is run once, by the version that is in force
 * where it stands; and no node goes on behind a version that it has no code of. Keeps its own account of what was
 * committed.
 */

import { assert } from '../../../assert.js';
import { EntryKind } from '../../../actors/raft/entry.js';
import type { Machine } from '../../../actors/replicated/machine.js';
import type { ClusterObserver, CommittedNews } from '../cluster-observer.js';
import type { EditionTally } from '../objects/simulation-edition.js';
import { StatedConfiguration } from './stated-configuration.js';

/** The object that says by which version each command was run. */
interface Recording {
  all(): readonly string[];
  tally(): EditionTally;
}

export interface CodeVersionsParts {
  /** The name of the object. */
  readonly object: string;
  /** The highest version that each member has ever had code of, in any of its lives. */
  readonly hadAtMost: () => ReadonlyMap<string, number>;
  /** The highest version that a node has code of in its present life. */
  readonly hasAtMost: (node: string) => number;
  readonly report: (promise: string, what: string) => void;
  readonly count: (event: string) => void;
}

/** How things stand from an entry on. */
interface Stand {
  readonly index: number;
  readonly version: number;
  /** How many commands have been run. */
  readonly length: number;
}

export class CodeVersions implements ClusterObserver {
  readonly #parts: CodeVersionsParts;
  /** All commands, as the object is to have them. */
  readonly #entries: string[] = [];
  /** By entries that change something, the last one at the end. */
  readonly #stands: Stand[] = [{ index: 0, version: 0, length: 0 }];
  /** Those whom the last configuration that is committed names. */
  #members: readonly string[] = [];

  constructor(parts: CodeVersionsParts) {
    this.#parts = parts;
  }

  /** By the last entry that is committed. */
  get inForce(): number {
    return this.#stands.at(-1)!.version;
  }

  committed({ index, kind, payload, commands }: CommittedNews): void {
    const { object } = this.#parts;
    let version = this.inForce;
    if (kind === EntryKind.configuration) this.#members = new StatedConfiguration(payload).electors;
    if (kind === EntryKind.codeVersion) version = this.#raised(index, payload);
    const own = commands.filter(({ name }) => name.startsWith(`${object}.`));
    if (own.length === 0 && version === this.inForce) return;
    for (const { args } of own) this.#entries.push(`${String(args[0])} by ${version}`);
    this.#stands.push({ index, version, length: this.#entries.length });
  }

  applied(node: string, machine: Machine): void {
    const stand = this.#standAt(machine.appliedIndex);
    if (stand.index === machine.appliedIndex) this.#compare(node, machine, stand);
  }

  restored(node: string, machine: Machine): void {
    this.#compare(node, machine, this.#standAt(machine.appliedIndex));
  }

  #raised(index: number, payload: Uint8Array): number {
    const { hadAtMost, report, count } = this.#parts;
    const version = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(0, true);
    if (version <= this.inForce) {
      if (version < this.inForce) report('code versions', `entry ${index} takes version ${this.inForce} to ${version}`);
      return this.inForce;
    }
    count('code versions raised');
    const had = hadAtMost();
    assert(this.#members.length > 0, 'nobody leads before anybody belongs to the cluster');
    // As of this entry: by the time that it is known to be committed, others may be.
    const lacking = this.#members.filter((id) => (had.get(id) ?? 0) < version);
    if (lacking.length > 0) {
      report('code versions', `entry ${index} raises to ${version}, and ${lacking.join()} never had code of it`);
    }
    return version;
  }

  #compare(node: string, machine: Machine, { version, length }: Stand): void {
    const { object, hasAtMost, report } = this.#parts;
    const { objects, appliedIndex, codeVersion } = machine;
    if (hasAtMost(node) < version) {
      report('code versions', `${node} goes on at entry ${appliedIndex}, by ${version}, of which it has no code`);
    }
    if (codeVersion !== version) {
      report('code versions', `${node} has ${codeVersion} in force at entry ${appliedIndex}, and it is ${version}`);
    }
    // Another machine of the node has it.
    if (!machine.isHere(object)) return;
    const recording = objects.find(({ name }) => name === object)!.instance as unknown as Recording;
    this.#compareTally(node, appliedIndex, length, recording.tally());
    const all = recording.all();
    // What was the same before still is: looking at the end suffices where something is added.
    const at = Math.max(0, Math.min(all.length, length) - 1);
    if (all.length === length && all[at] === (length === 0 ? undefined : this.#entries[at])) return;
    const [has, is] = [`${all.length} commands to "${all.at(-1)}"`, `${length} to "${this.#entries[length - 1]}"`];
    report('code versions', `${node} has run ${has} at entry ${appliedIndex}, and what was committed is ${is}`);
  }

  /** What is in fields that older code does not know. */
  #compareTally(node: string, index: number, length: number, tally: EditionTally): void {
    for (const [version, count] of Object.entries(tally)) {
      const isBy = ` by ${version}`;
      const is = this.#entries.slice(0, length).filter((entry) => entry.endsWith(isBy)).length;
      if (count === is) continue;
      const what = `${node} has counted ${count} commands of version ${version} at entry ${index}, and ${is} were committed`;
      this.#parts.report('code versions', what);
    }
  }

  #standAt(index: number): Stand {
    return this.#stands.findLast((stand) => stand.index <= index)!;
  }
}
