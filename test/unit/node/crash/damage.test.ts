/**
 * A node whose files were damaged while it did not run: it starts with exactly what it has acknowledged, or refuses
 * with an error that says so; it never shows anything else. `NODE_DAMAGE_SEEDS=n` looks at as many damages,
 * `NODE_DAMAGE_SEED=n` replays one.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ConclaveError, type ErrorCode } from '../../../../src/errors.js';
import { randomBelow, SeededRandom, type Random } from '../../../../src/runtime/random.js';
import type { Disk } from '../../../../src/storage/disk.js';
import { NodeDisk } from '../../../../src/storage/node-disk.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { damage, type Damage } from './support/damage.js';
import { JournalWitness } from './support/journal-witness.js';
import { DATA_DIR, JournalHost } from './support/journal-host.js';
import { AFTERLIFE, HISTORY, Life, SELF } from './support/single-node.js';

const TIMEOUT_MS = 3_600_000;
const only = process.env['NODE_DAMAGE_SEED'];
const seedCount = only === undefined ? Number(process.env['NODE_DAMAGE_SEEDS'] ?? 200) : 1;
const first = only === undefined ? 1 : Number(only);
/** One run in so many has a second damage, to another kind of file. */
const TWICE_IN = 4;
/** For what lets the log be judged at the next start: it is written when there is nothing else to do. */
const IDLE_MS = 50;

const SEEDS_ON_FILES = 20;
/** Of the first chunk of a snapshot. */
const CONTENT_OFFSET = 40;
/** What a sample of some size must meet. */
const OUTCOMES = [
  'identity ERR_STORAGE_CORRUPT',
  'leftover recovered',
  'log ERR_STORAGE_CORRUPT',
  'log recovered',
  'snapshot recovered',
] as const;

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
  const host = new JournalHost(steps, [SELF]);
  const disk = new SimulatedDisk(steps);
  const witness = new JournalWitness();
  const life = new Life(host, disk, witness);
  await host.runTest(async () => {
    await life.begin();
    for (const step of HISTORY.slice(0, steps)) await life.take(step);
    await host.sleep(IDLE_MS);
    if (end === 'killed') life.kill();
    else await life.end();
  });
  return { disk, witness };
}

/** One seed: a disk with the files of a node, damaged, and who knows what was in them. */
function damaged(seed: number): Remains & { readonly damages: readonly Damage[]; readonly random: Random } {
  const random = new SeededRandom(seed);
  const { disk: left, witness } = remains[randomBelow(random, remains.length)]!;
  const disk = left.afterProcessDeath();
  const damages = [damage(disk, random)];
  if (randomBelow(random, TWICE_IN) === 0) damages.push(damage(disk, random, damages[0]!.kind));
  return { disk, witness: witness.clone(), damages, random };
}

/** Starts a node on these files and has it work on. Says what became of it. */
function startOn(disk: Disk, dataDir: string, witness: JournalWitness, random: Random): Promise<Outcome> {
  const host = new JournalHost(random.uint32(), [SELF]);
  const life = new Life(host, disk, witness, { dataDir });
  return host.runTest(async () => {
    try {
      await life.begin();
    } catch (error) {
      if (error instanceof ConclaveError) return error.code;
      throw error;
    }
    for (const step of AFTERLIFE) await life.take(step);
    await life.end();
    return 'recovered';
  });
}

function checkOutcome(outcome: Outcome, damages: readonly Damage[]): void {
  const isUnreadable = damages.some((each) => each.isUnreadable);
  const expected: readonly Outcome[] = ['recovered', 'ERR_STORAGE_CORRUPT', 'ERR_DATA_DIR_MISMATCH'];
  assert(expected.includes(outcome) || (isUnreadable && outcome === 'ERR_STORAGE'), `it ended with ${outcome}`);
  if (damages.every(({ kind, isUnreadable: refuses }) => kind === 'snapshot' || (kind === 'leftover' && !refuses))) {
    assert.equal(outcome, 'recovered', 'there is another snapshot, or all of the log');
  }
}

async function run(seed: number): Promise<string> {
  const { disk, witness, damages, random } = damaged(seed);
  return named(seed, damages, async () => {
    const outcome = await startOn(disk, DATA_DIR, witness, random);
    assert.equal(disk.openFiles, 0, 'no file is left open');
    checkOutcome(outcome, damages);
    return damages.length === 1 ? `${damages[0]!.kind} ${outcome}` : outcome;
  });
}

/** The same on the disk of the machine: it must end as it does on a simulated one. */
async function runOnFiles(seed: number): Promise<void> {
  const { disk, witness, damages, random } = damaged(seed);
  // There is no way to make a file of the machine unreadable.
  if (damages.some(({ isUnreadable }) => isUnreadable)) return;
  const directory = mkdtempSync(join(tmpdir(), 'conclave-damage-'));
  try {
    mkdirSync(join(directory, 'log'));
    mkdirSync(join(directory, 'snapshots'));
    for (const [path, content] of disk.files()) writeFileSync(join(directory, relative(DATA_DIR, path)), content);
    await named(seed, damages, async () => {
      const simulated = await startOn(disk, DATA_DIR, witness.clone(), random);
      const real = await startOn(new NodeDisk({ isSynced: false }), directory, witness, random);
      assert.equal(real, simulated, 'the disks make no difference');
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function named<T>(seed: number, damages: readonly Damage[], check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Seed ${seed}, ${damages.map((each) => each.what).join('; ')}: ${what}\n` +
        `Replay it with NODE_DAMAGE_SEED=${seed} npx vitest run --project inline node/crash/damage`,
      { cause },
    );
  }
}

test(
  `damaged files are noticed, or do not matter (seeds ${first} to ${first + seedCount - 1})`,
  async () => {
    const outcomes = new Set<string>();
    for (let seed = first; seed < first + seedCount; seed++) outcomes.add(await run(seed));

    if (only !== undefined) return;
    for (const outcome of OUTCOMES) expect(outcomes).toContain(outcome);
  },
  TIMEOUT_MS,
);

/** Damages what a snapshot holds, which is read when the objects are loaded only. */
function damageSnapshots(disk: SimulatedDisk, count: number): void {
  const paths = [...disk.files().keys()].filter((path) => path.endsWith('.snapshot'));
  for (const path of paths.slice(-count)) disk.flipBit(path, CONTENT_OFFSET, 0);
}

test('where the newest snapshot is damaged, the older one and the log take its place, or all of the log', async () => {
  for (const { disk: left, witness } of remains) {
    const disk = left.afterProcessDeath();
    damageSnapshots(disk, 1);

    const outcome = await startOn(disk, DATA_DIR, witness.clone(), new SeededRandom(1));

    expect(outcome).toBe('recovered');
  }
});

/** Makes a place of the newest snapshots unreadable; says which they are. */
function hideSnapshots(disk: SimulatedDisk, count: number, place: 'header' | 'content' | 'end'): string[] {
  const files = [...disk.files()].filter(([path]) => path.endsWith('.snapshot')).slice(-count);
  for (const [path, { length }] of files) {
    disk.makeUnreadable(path, { header: 0, content: CONTENT_OFFSET, end: length - 1 }[place]);
  }
  return files.map(([path]) => path);
}

test.each(['header', 'content', 'end'] as const)(
  'where the %s of the newest snapshot cannot be read, the older one and the log take its place, or all of the log',
  async (place) => {
    for (const { disk: left, witness } of remains) {
      const disk = left.afterProcessDeath();
      hideSnapshots(disk, 1, place);

      const outcome = await startOn(disk, DATA_DIR, witness.clone(), new SeededRandom(1));

      expect(outcome).toBe('recovered');
      expect([...disk.files().keys()].filter((path) => path.endsWith('.bad'))).toEqual([]);
    }
  },
);

test.each(['header', 'content', 'end'] as const)(
  'where the %s of both snapshots cannot be read, the node does not start, and nobody is told to empty the directory',
  async (place) => {
    const { disk: left, witness } = remains.at(-1)!;
    const disk = left.afterProcessDeath();
    const paths = hideSnapshots(disk, 2, place);

    const outcome = await startOn(disk, DATA_DIR, witness.clone(), new SeededRandom(1));

    expect(outcome).toBe('ERR_STORAGE');
    expect(paths.every((path) => disk.exists(path))).toBe(true);
  },
);

test('where both snapshots are damaged, the node does not start', async () => {
  const { disk: left, witness } = remains.at(-1)!;
  const disk = left.afterProcessDeath();
  damageSnapshots(disk, 2);

  const outcome = await startOn(disk, DATA_DIR, witness.clone(), new SeededRandom(1));

  expect(outcome).toBe('ERR_STORAGE_CORRUPT');
});

test(
  'so they are on the disk of the machine',
  async () => {
    const seeds = Array.from({ length: only === undefined ? SEEDS_ON_FILES : 1 }, (_, i) => first + i);
    for (const seed of seeds) await runOnFiles(seed);
  },
  TIMEOUT_MS,
);
