/**
 * A node whose files were damaged while it did not run: it starts with exactly what it has acknowledged, or refuses with
 * an error that says so; it never shows anything else. `NODE_DAMAGE_SEEDS=n` looks at as many damages, `NODE_DAMAGE_SEED=n`
 * replays one.
 */

import assert from 'node:assert/strict';
import { beforeAll, expect, test } from 'vitest';
import { ConclaveError, type ErrorCode } from '../../../../src/errors.js';
import { randomBelow, SeededRandom } from '../../../../src/runtime/random.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { damage, type Damage } from './support/damage.js';
import { JournalWitness } from './support/journal-witness.js';
import { SimulatedHost } from './support/simulated-node.js';
import { AFTERLIFE, HISTORY, Life, SELF } from './support/single-node.js';

const TIMEOUT_MS = 3_600_000;
const only = process.env['NODE_DAMAGE_SEED'];
const count = only === undefined ? Number(process.env['NODE_DAMAGE_SEEDS'] ?? 200) : 1;
const first = only === undefined ? 1 : Number(only);
/** One run in so many has a second damage. */
const TWICE_IN = 4;
/** For what lets the log be judged at the next start: it is written when there is nothing else to do. */
const IDLE_MS = 50;

/** What a node left behind. */
interface Remains {
  readonly disk: SimulatedDisk;
  readonly witness: JournalWitness;
}

type Outcome = 'recovered' | ErrorCode;

const remains: Remains[] = [];

beforeAll(async () => {
  for (const steps of [3, 4, 7, 9, HISTORY.length]) {
    for (const end of ['stopped', 'killed'] as const) remains.push(await remainsOf(steps, end));
  }
});

async function remainsOf(steps: number, end: 'stopped' | 'killed'): Promise<Remains> {
  const host = new SimulatedHost(steps, [SELF]);
  const disk = new SimulatedDisk(steps);
  const witness = new JournalWitness();
  const life = new Life(host, disk, witness);
  await life.begin();
  for (const step of HISTORY.slice(0, steps)) await life.take(step);
  await host.simulation.runFor(IDLE_MS);
  if (end === 'killed') life.kill();
  else await life.end();
  return { disk, witness };
}

/** Runs one seed; says what became of the node and why. */
async function run(seed: number): Promise<{ readonly outcome: Outcome; readonly damages: readonly Damage[] }> {
  const random = new SeededRandom(seed);
  const { disk: left, witness: knows } = remains[randomBelow(random, remains.length)]!;
  const disk = left.afterProcessDeath();
  const witness = knows.clone();
  const damages = [damage(disk, random)];
  if (randomBelow(random, TWICE_IN) === 0) damages.push(damage(disk, random));
  const host = new SimulatedHost(random.uint32(), [SELF]);
  try {
    const outcome = await startOn(host, disk, witness);
    checkOutcome(outcome, damages);
    return { outcome, damages };
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Seed ${seed}, ${damages.map((each) => each.what).join('; ')}: ${what}\n` +
        `Replay it with NODE_DAMAGE_SEED=${seed} npx vitest run --project inline node/crash/damage`,
      { cause },
    );
  }
}

async function startOn(host: SimulatedHost, disk: SimulatedDisk, witness: JournalWitness): Promise<Outcome> {
  const life = new Life(host, disk, witness);
  const refusal = await life.begin().catch((error: unknown) => error);
  if (refusal instanceof ConclaveError) {
    assert.equal(disk.openFiles, 0, 'a node that did not start leaves no file open');
    return refusal.code;
  }
  if (refusal !== undefined) throw refusal;
  for (const step of AFTERLIFE) await life.take(step);
  await life.end();
  return 'recovered';
}

function checkOutcome(outcome: Outcome, damages: readonly Damage[]): void {
  const isUnreadable = damages.some(({ what }) => what.includes('unreadable'));
  const expected = ['recovered', 'ERR_STORAGE_CORRUPT', 'ERR_DATA_DIR_MISMATCH', ...(isUnreadable ? ['ERR_STORAGE'] : [])];
  assert(expected.includes(outcome), `it ended with ${outcome}`);
  const [only, second] = damages;
  if (second !== undefined || only!.kind !== 'snapshot' || isUnreadable) return;
  assert.equal(outcome, 'recovered', 'one snapshot may be damaged');
}

test(
  `damaged files are noticed, or do not matter (seeds ${first} to ${first + count - 1})`,
  async () => {
    const outcomes = new Map<string, number>();
    for (let seed = first; seed < first + count; seed++) {
      const { outcome, damages } = await run(seed);
      const name = `${damages.map(({ kind }) => kind).join(' and ')} ${outcome}`;
      if (/identity recovered|snapshot ERR|log recovered/.test(name)) console.log(seed, name, damages.map(({what})=>what).join(";"));
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    }
    console.log(outcomes);
    if (only === undefined) expect([...outcomes.keys()]).toEqual(expect.arrayContaining(['log recovered', 'log ERR_STORAGE_CORRUPT', 'snapshot recovered', 'identity ERR_STORAGE_CORRUPT']));
  },
  TIMEOUT_MS,
);
