/**
 * Real files with one damage each, anywhere: a byte that is another, or a file that is cut. The store finds exactly
 * what was acknowledged, or refuses with an error that says where; it never finds anything else. `LOG_DAMAGE_SEEDS=n`
 * looks at as many damages, `LOG_DAMAGE_SEED=n` replays one.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConclaveError } from '../../../../src/errors.js';
import { randomBelow, SeededRandom, type Random } from '../../../../src/runtime/random.js';
import { NodeDisk } from '../../../../src/storage/node-disk.js';
import { afterlife, GROUPS, HISTORY, HistoryRun } from './crash/history.js';
import { Witness } from './crash/witness.js';

const TIMEOUT_MS = 600_000;
const only = process.env['LOG_DAMAGE_SEED'];
const count = only === undefined ? Number(process.env['LOG_DAMAGE_SEEDS'] ?? 200) : 1;
const first = only === undefined ? 1 : Number(only);

/** What a store left behind. */
interface Remains {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly witness: Witness;
}

// The damages are the test's subject; whether the system syncs is not, and takes its time.
const disk = new NodeDisk({ isSynced: false });
let parent: string;
let remains: readonly Remains[];

beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'conclave-damage-'));
  remains = [8, 14, HISTORY.length].flatMap((steps) => [remainsOf(steps, 'closed'), remainsOf(steps, 'killed')]);
});
afterAll(() => rmSync(parent, { recursive: true }));

/** Runs so many steps of the history on real files, and the batch to its end. */
function remainsOf(steps: number, end: 'closed' | 'killed'): Remains {
  const directory = join(parent, `${end}-${steps}`);
  mkdirSync(directory);
  const witness = new Witness(GROUPS);
  const run = new HistoryRun(disk, witness, { directory });
  run.run([...HISTORY.slice(0, steps), { type: 'turn' }]);
  if (end === 'closed') run.close();
  else run.abandon();
  const names = readdirSync(directory);
  return { files: new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(directory, name)))])), witness };
}

/** Damages one of the files, and says how. */
function damage(files: Map<string, Uint8Array>, random: Random): string {
  const names = [...files.keys()];
  const name = names[randomBelow(random, names.length)]!;
  const content = files.get(name)!.slice();
  const offset = randomBelow(random, content.length);
  if (randomBelow(random, 4) === 0) {
    files.set(name, content.subarray(0, offset));
    return `${name} cut at ${offset}`;
  }
  const mask = 1 + randomBelow(random, 255);
  content[offset]! ^= mask;
  files.set(name, content);
  return `${name} xor ${mask} at ${offset}`;
}

/** Opens what is left, and goes on with it if it is not refused. */
function openDamaged(seed: number): 'found' | 'refused' {
  const random = new SeededRandom(seed);
  const chosen = remains[randomBelow(random, remains.length)]!;
  const files = new Map(chosen.files);
  const what = damage(files, random);
  const directory = join(parent, `seed-${seed}`);
  mkdirSync(directory);
  for (const [name, content] of files) writeFileSync(join(directory, name), content);
  try {
    return openAndGoOn(directory, chosen.witness.clone());
  } catch (cause) {
    const error = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Seed ${seed}, ${what}: ${error}\nReplay it with LOG_DAMAGE_SEED=${seed} npx vitest run log-damage`,
      { cause },
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function openAndGoOn(directory: string, witness: Witness): 'found' | 'refused' {
  let run: HistoryRun;
  try {
    run = new HistoryRun(disk, witness, { directory });
  } catch (error) {
    assertClear(error, directory);
    return 'refused';
  }
  run.run(afterlife(witness));
  run.close();
  new HistoryRun(disk, witness, { directory }).close();
  return 'found';
}

/** The error says what is damaged, and where. */
function assertClear(error: unknown, directory: string): void {
  if (!(error instanceof ConclaveError)) throw error;
  if (error.code !== 'ERR_STORAGE_CORRUPT' && error.code !== 'ERR_DATA_DIR_MISMATCH') throw error;
  const { path } = error.data;
  assert(typeof path === 'string' && path.startsWith(directory), `data.path is ${String(path)}`);
  assert(error.message.includes(path), 'the message names the file');
}

test(
  'damaged files are found to hold exactly what was acknowledged, or are refused',
  () => {
    const outcomes = { found: 0, refused: 0 };
    for (let seed = first; seed < first + count; seed++) outcomes[openDamaged(seed)] += 1;

    expect(outcomes.found + outcomes.refused).toBe(count);
    // Most of a file is zeros and records that were dropped: of many damages, some hit what counts, and some do not.
    expect(Math.min(outcomes.found, outcomes.refused) > 0 || count < 100).toBe(true);
  },
  TIMEOUT_MS,
);
