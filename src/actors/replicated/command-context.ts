/**
 * `context()`: what a replicated command may know of the world. The machine enters a command before it runs it and
 * leaves when its block is done; both only write a few fields of this module, for they are on the hot path. One command
 * runs at a time on a thread, so one context per thread is enough.
 */

import { ConclaveError } from '../../errors.js';
import { SeededRandom } from '../../runtime/random.js';
import type { ChangeKey } from './changes/change-key.js';
import type { ChangeRecorder } from './changes/change-recorder.js';

/** What a command may read, the same on every replica. Valid until the command returns. */
export interface CommandContext {
  /** The index of the log entry that carries the command. Commands of one entry share it. */
  readonly index: number;
  /** The leader's time when it appended the entry, in milliseconds since 1970; never runs backwards. */
  readonly timestampMs: number;
  /** A number in [0, 1), with 53 random bits. Reproducible, hence not for secrets. */
  readonly random: () => number;
  /**
   * Tells those who watch this object what the command changes in it: any value that can be encoded, which is taken as
   * it is now. `watch(key)` gives only those that have this `key`, and those that have none. If the command throws,
   * nothing has been told. It costs nothing while nobody watches on this server, and is no part of the state.
   */
  readonly changed: (change: unknown) => void;
}

let active = false;
let currentIndex = 0;
let currentPosition = 0;
let currentTimestampMs = 0;
let currentInstance: object | null = null;
let currentChanges: ChangeRecorder | null = null;
/** Null until the command first asks for randomness. */
let currentRandom: SeededRandom | null = null;

/** Called before each command; `position` tells apart the commands of one entry. */
export function enterCommand(
  index: number,
  position: number,
  timestampMs: number,
  instance: object,
  changes: ChangeRecorder,
): void {
  active = true;
  currentInstance = instance;
  currentChanges = changes;
  currentIndex = index;
  currentPosition = position;
  currentTimestampMs = timestampMs;
  currentRandom = null;
}

/** Called after the last of a run of commands. */
export function leaveCommand(): void {
  active = false;
  currentInstance = null;
  currentChanges = null;
}

/**
 * For ready-made objects: does somebody watch this one, and is one of its own commands running? They may be parts of
 * other objects, and what changes in a part is for the whole to tell. The answer must make no difference to the state.
 */
export function isWatched(instance: object): boolean {
  return instance === currentInstance && currentChanges!.isRecording;
}

/** The same for one change of this key: what nobody watches need not be made up, but counts. */
export function isKeyWatched(instance: object, key: ChangeKey): boolean {
  return isWatched(instance) && currentChanges!.wants(currentIndex, currentPosition, key);
}

/** For ready-made objects, where {@link isWatched}. */
export function tellChange(change: unknown): void {
  currentChanges!.record(currentIndex, currentPosition, change);
}

/** The one context: it reads the module's fields, so that one kept beyond its command cannot tell old news. */
const commandContext: CommandContext = {
  get index() {
    assertActive();
    return currentIndex;
  },
  get timestampMs() {
    assertActive();
    return currentTimestampMs;
  },
  random() {
    assertActive();
    currentRandom ??= new SeededRandom(seedOf(currentIndex, currentPosition));
    return ((currentRandom.uint32() >>> 5) * 0x400_0000 + (currentRandom.uint32() >>> 6)) / 0x20_0000_0000_0000;
  },
  changed(change) {
    assertActive();
    if (currentChanges!.isRecording) currentChanges!.record(currentIndex, currentPosition, change);
  },
};

/**
 * What the replicated command that is running may know of the world: the entry's index, the leader's time, seeded
 * randomness. Every replica sees the same, which is why a command asks here and never a clock or `Math.random`.
 *
 * @throws ConclaveError `ERR_NO_CONTEXT` outside of a replicated command, which includes queries and constructors.
 *
 * @example
 * export class Raffle {
 *   static readonly module = import.meta.url;
 *   private readonly names: string[] = [];
 *   @replicated enter(name: string): void {
 *     this.names.push(name);
 *   }
 *   @replicated draw(): { winner: string | undefined; atMs: number } {
 *     const { random, timestampMs } = context();
 *     return { winner: this.names[Math.floor(random() * this.names.length)], atMs: timestampMs };
 *   }
 * }
 */
export function context(): CommandContext {
  assertActive();
  return commandContext;
}

function assertActive(): void {
  if (active) return;
  throw new ConclaveError(
    'ERR_NO_CONTEXT',
    'There is no command here. context() answers inside a method marked @replicated while it runs as a command: not ' +
      'in a query, in a constructor or after an await. If this is such a method, two copies of conclave are loaded.',
  );
}

/** Mixes index and position into 32 bits (the finaliser of MurmurHash3), so that neighbours share nothing. */
function seedOf(index: number, position: number): number {
  return mix(mix(mix(index >>> 0) ^ Math.floor(index / 0x1_0000_0000)) ^ position);
}

function mix(value: number): number {
  let mixed = (value + 0x9e37_79b9) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
