/**
 * `context()`: what a replicated command may know of the world. The machine enters a command before it runs it and
 * leaves when its block is done; both only write a few fields of this module, for they are on the hot path. One command
 * runs at a time on a thread, so one context per thread is enough.
 */

import { ConclaveError } from '../../errors.js';
import { SeededRandom } from '../../runtime/random.js';

/** What a command may read, the same on every replica. Valid until the command returns. */
export interface CommandContext {
  /** The index of the log entry that carries the command. Commands of one entry share it. */
  readonly index: number;
  /** The leader's time when it appended the entry, in milliseconds since 1970; never runs backwards. */
  readonly timestampMs: number;
  /** A number in [0, 1), with 53 random bits. Reproducible, hence not for secrets. */
  readonly random: () => number;
}

let active = false;
let currentIndex = 0;
let currentPosition = 0;
let currentTimestampMs = 0;
/** Null until the command first asks for randomness. */
let currentRandom: SeededRandom | null = null;

/** Called before each command; `position` tells apart the commands of one entry. */
export function enterCommand(index: number, position: number, timestampMs: number): void {
  active = true;
  currentIndex = index;
  currentPosition = position;
  currentTimestampMs = timestampMs;
  currentRandom = null;
}

/** Called after the last of a run of commands. */
export function leaveCommand(): void {
  active = false;
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
