import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DirectoryClaim } from '../../../src/storage/directory-claim.js';
import type { LockHolder } from '../../../src/storage/lock-holder.js';
import { LockSocket } from '../../../src/storage/lock-socket.js';
import { leaveDeadClaim, RANDOM_PARTS } from './support/dead-claim.js';
import { temporaryDirectory } from './support/temporary-directory.js';

const PATIENCE_MS = 5_000;
const RACERS = 8;
const RACES = Number(process.env['CLAIM_RACES'] ?? 20);
/** Where every process is number 1, and everywhere else, the number of a process that lives. */
const LIVING = process.ppid;

async function claim(directory: string, patienceMs = PATIENCE_MS): Promise<DirectoryClaim | LockHolder> {
  const made = await DirectoryClaim.make(directory, performance.now() + patienceMs);
  if (made instanceof DirectoryClaim) onTestFinished(() => made.release());
  return made;
}

/** A claimant that listens and gets no further. */
async function leaveLivingClaim(directory: string, random: string): Promise<LockSocket> {
  await leaveDeadClaim(directory, { random, pid: LIVING, held: false });
  const path = join(directory, `${random}-${LIVING}`);
  rmSync(path);
  const socket = (await LockSocket.listen(path))!;
  onTestFinished(() => socket.close());
  return socket;
}

describe('a directory that nobody has claimed', () => {
  test('is held by who claims it, under one name with its mark', async () => {
    const directory = join(temporaryDirectory(), 'LOCK');

    const made = await claim(directory);

    expect(made).toBeInstanceOf(DirectoryClaim);
    const [name, mark] = readdirSync(directory);
    expect(name).toMatch(new RegExp(`^[0-9a-f]{12}-${process.pid}$`));
    expect(mark).toBe(`${name}.held`);
    expect(await DirectoryClaim.holderOf(directory)).toMatchObject({ pid: process.pid });
  });

  test('has no holder', async () => {
    const directory = temporaryDirectory();

    expect(await DirectoryClaim.holderOf(directory)).toBeNull();
    expect(await DirectoryClaim.holderOf(join(directory, 'missing'))).toBeNull();
  });

  test('is empty again when its claim has been released', async () => {
    const directory = temporaryDirectory();
    const made = (await claim(directory)) as DirectoryClaim;

    await made.release();

    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('a claim of a process that is dead', () => {
  test.each(RANDOM_PARTS.flatMap((random) => [true, false].map((held) => ({ random, held }))))(
    'is removed, whatever its name ($random, held: $held) and whoever has its process id now',
    async (dead) => {
      const directory = temporaryDirectory();
      await leaveDeadClaim(directory, { ...dead, pid: LIVING });

      const made = await claim(directory);

      expect(made).toBeInstanceOf(DirectoryClaim);
      expect(readdirSync(directory).filter((name) => name.startsWith(dead.random))).toEqual([]);
    },
  );

  test('may have our own process id, as every process in a container has', async () => {
    const directory = temporaryDirectory();
    await leaveDeadClaim(directory, { random: RANDOM_PARTS[0], pid: process.pid, held: true });

    expect(await claim(directory)).toBeInstanceOf(DirectoryClaim);
  });

  test('is no socket any more when files were copied, and is removed all the same', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, `${RANDOM_PARTS[0]}-${LIVING}`), '');

    expect(await claim(directory)).toBeInstanceOf(DirectoryClaim);
  });
});

describe('a socket that may not listen yet', () => {
  test('is left alone, and stops nobody', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, '0123456789ab.new'), '');

    expect(await claim(directory)).toBeInstanceOf(DirectoryClaim);
    expect(existsSync(join(directory, '0123456789ab.new'))).toBe(true);
  });

  test('is removed when it is old: its process was killed', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, '0123456789ab.new');
    writeFileSync(path, '');
    const longAgoS = Date.now() / 1000 - 3_600;
    utimesSync(path, longAgoS, longAgoS);

    await claim(directory);

    expect(existsSync(path)).toBe(false);
  });
});

describe('a claim of a process that lives', () => {
  test('is respected when it holds, and told of', async () => {
    const directory = temporaryDirectory();
    await claim(directory);
    const names = readdirSync(directory);

    const second = await claim(directory);

    expect(second).toMatchObject({ pid: process.pid });
    expect(readdirSync(directory)).toEqual(names);
  });

  test('makes us give way when its name is smaller than ours', async () => {
    const directory = temporaryDirectory();
    await leaveLivingClaim(directory, RANDOM_PARTS[0]);

    const made = await claim(directory);

    expect(made).toMatchObject({ pid: process.pid });
    expect(readdirSync(directory)).toEqual([`${RANDOM_PARTS[0]}-${LIVING}`]);
  });

  test('is waited for when its name is greater than ours, until it gives way', async () => {
    const directory = temporaryDirectory();
    const rival = await leaveLivingClaim(directory, RANDOM_PARTS[2]);
    let isDecided = false;
    const made = claim(directory).finally(() => (isDecided = true));
    while (readdirSync(directory).length < 2) await new Promise(setImmediate);

    const wasDecided = isDecided;
    await rival.close();

    expect(wasDecided).toBe(false);
    expect(await made).toBeInstanceOf(DirectoryClaim);
  });

  test('is given way to in the end when it does not make up its mind', async () => {
    const directory = temporaryDirectory();
    await leaveLivingClaim(directory, RANDOM_PARTS[2]);

    const made = await claim(directory, 50);

    expect(made).not.toBeInstanceOf(DirectoryClaim);
    expect(readdirSync(directory)).toEqual([`${RANDOM_PARTS[2]}-${LIVING}`]);
  });
});

test(`of ${RACERS} that claim a directory at once, over what the dead have left, exactly one gets it`, async () => {
  const directory = temporaryDirectory();
  const won: number[] = [];

  for (let race = 0; race < RACES; race++) {
    for (const random of RANDOM_PARTS) await leaveDeadClaim(directory, { random, pid: LIVING, held: race % 2 === 0 });
    const made = await Promise.all(Array.from({ length: RACERS }, () => claim(directory)));
    const winners = made.filter((each) => each instanceof DirectoryClaim);
    won.push(winners.length);
    for (const winner of winners) await winner.release();
  }

  expect(won).toEqual(Array.from({ length: RACES }, () => 1));
  expect(readdirSync(directory)).toEqual([]);
});
