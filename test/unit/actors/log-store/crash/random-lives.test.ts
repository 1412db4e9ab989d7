/**
 * Random histories of a log store over many lives, each of which ends by a crash anywhere, or in order. What every life
 * finds is what the one before has acknowledged. `LOG_LIVES_SEEDS=n` looks at as many histories, `LOG_LIVES_SEED=n`
 * replays one.
 */

import assert from 'node:assert/strict';
import { expect, test } from 'vitest';
import { groupId, type GroupId } from '../../../../../src/ids.js';
import { randomBelow, SeededRandom, type Random } from '../../../../../src/runtime/random.js';
import { termOf } from '../../../../../src/testing/log-store-model.js';
import { SimulatedCrash } from '../../../../../src/testing/simulated-disk-crash.js';
import { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';
import { append, beginning, compact, hardState, HistoryRun, reset, REOPEN, TURN, type Step } from './history.js';
import { Witness } from './witness.js';

const TIMEOUT_MS = 600_000;
const LIVES = 5;
const STEPS_PER_LIFE_MAX = 40;
const GROUPS = [groupId(0), groupId(1), groupId(9)] as const;
const SEGMENT_BYTES = [1024, 4096, 32 * 1024] as const;
const PAYLOAD_BYTES_MAX = [0, 50, 500, 5000] as const;
const only = process.env['LOG_LIVES_SEED'];
const count = only === undefined ? Number(process.env['LOG_LIVES_SEEDS'] ?? 20) : 1;
const first = only === undefined ? 1 : Number(only);

/** Makes steps that consensus could make: terms go up, and what is in a snapshot is not replaced. */
class RandomSteps {
  readonly #random: Random;
  readonly #witness: Witness;
  /** Of all groups: what replaces an entry has a later term. */
  #term = 1;

  constructor(random: Random, witness: Witness) {
    this.#random = random;
    this.#witness = witness;
  }

  *take(steps: number): Generator<Step> {
    yield* beginning(this.#witness);
    for (let i = 0; i < steps; i++) yield* this.#next(GROUPS[randomBelow(this.#random, GROUPS.length)]!);
  }

  #next(group: GroupId): readonly Step[] {
    const random = this.#random;
    const { base, entries } = this.#witness.stateOf(group);
    // What is there and in no snapshot.
    const from = Math.max(base.index, this.#witness.snapshotsOf(group)[0]?.index ?? 0);
    const last = base.index + entries.length;
    const any = from + 1 + randomBelow(random, Math.max(1, last - from));
    const keepsOlder = randomBelow(random, 2) === 0;
    switch (randomBelow(random, 12)) {
      case 0:
        return [hardState(group, ++this.#term, randomBelow(random, 2) === 0 ? 'a:1' : null)];
      case 1:
        return [hardState(group, ++this.#term, 'b:1', this.#append(group, Math.min(any, last + 1)))];
      case 2:
        return reset(group, last + 1 + randomBelow(random, 9), ++this.#term, keepsOlder);
      case 3:
        // Another log than the one that is here.
        return any > last ? [TURN] : reset(group, any, ++this.#term, keepsOlder, this.#append(group, any + 1));
      case 4:
        return any > last ? [TURN] : compact(group, any, termOf(entries[any - base.index - 1]!), keepsOlder);
      case 5:
      case 6:
      case 7:
        return [TURN];
      case 8:
        return randomBelow(random, 3) === 0 ? [REOPEN] : [TURN];
      default:
        return [this.#append(group, last + 1)];
    }
  }

  #append(group: GroupId, index: number): Step {
    const random = this.#random;
    const payloadBytesMax = PAYLOAD_BYTES_MAX[randomBelow(random, PAYLOAD_BYTES_MAX.length)]!;
    const payloadBytes = randomBelow(random, payloadBytesMax + 1);
    return append(group, index, index + randomBelow(random, 4), this.#term, payloadBytes);
  }
}

/** Runs one life, to the crash or to its end; returns the disk that the next one finds. */
function live(disk: SimulatedDisk, witness: Witness, steps: Iterable<Step>, random: Random): SimulatedDisk {
  const segmentBytes = SEGMENT_BYTES[randomBelow(random, SEGMENT_BYTES.length)]!;
  let run: HistoryRun | null = null;
  try {
    run = new HistoryRun(disk, witness, { segmentBytes });
    run.run(steps);
    if (randomBelow(random, 2) === 0) run.close();
    else run.abandon();
    assert.equal(disk.openFiles, 0, 'no file stays open');
  } catch (error) {
    if (!(error instanceof SimulatedCrash)) throw error;
  }
  return randomBelow(random, 2) === 0 ? disk.afterPowerLoss(random.uint32()) : disk.afterProcessDeath();
}

function runLives(seed: number): void {
  const random = new SeededRandom(seed);
  const witness = new Witness(GROUPS);
  const steps = new RandomSteps(random, witness);
  let disk = new SimulatedDisk(random.uint32());
  for (let life = 0; life < LIVES; life++) {
    if (randomBelow(random, 4) > 0) disk.crashAt(1 + randomBelow(random, 120));
    disk = live(disk, witness, steps.take(randomBelow(random, STEPS_PER_LIFE_MAX)), random);
  }
  new HistoryRun(disk, witness).close();
}

function runNamed(seed: number): void {
  try {
    runLives(seed);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Seed ${seed}: ${what}\nReplay it with LOG_LIVES_SEED=${seed} npx vitest run random-lives`, {
      cause,
    });
  }
}

test(
  'random lives find what the ones before have acknowledged',
  () => {
    for (let seed = first; seed < first + count; seed++) expect(() => runNamed(seed)).not.toThrow();
  },
  TIMEOUT_MS,
);
