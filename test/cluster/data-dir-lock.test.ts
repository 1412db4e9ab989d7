/** The lock on a data directory between real processes that are killed, frozen, and started at the same time. */

import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dataDirLayout } from '../../src/storage/data-dir-layout.js';
import { leaveDeadClaim, RANDOM_PARTS } from '../unit/storage/support/dead-claim.js';
import { temporaryDirectory } from '../unit/storage/support/temporary-directory.js';
import { canContain, LockProcess } from './support/lock-process.js';

const RACERS = 8;
const RACES = Number(process.env['LOCK_RACES'] ?? 12);
const CONTAINED = canContain();

const HOSTS = [
  { where: 'on one machine', hostOf: () => null, isPossible: true },
  // Where each is process 1, and nothing is shared but the directory.
  { where: 'in containers', hostOf: (index: number) => `container-${index}`, isPossible: CONTAINED },
  { where: 'in containers of the same name', hostOf: () => 'container', isPossible: CONTAINED },
].filter(({ isPossible }) => isPossible);

describe.each(HOSTS)('$where', ({ hostOf }) => {
  test('a holder that lives is not robbed, and is named to the one that is refused', async () => {
    const path = temporaryDirectory();
    const [holder, other] = [new LockProcess(hostOf(1)), new LockProcess(hostOf(2))];
    await holder.call('acquire', path);
    const { pid, host } = await holder.call('whoAreYou', undefined);

    const refused = await other.call('acquire', path);

    expect(refused).toEqual({
      acquired: false,
      code: 'ERR_DATA_DIR_LOCKED',
      message: expect.stringContaining(`process ${pid} on host ${host}`),
      data: { pid, host, path },
    });
  });

  test('the lock of a holder that was killed is taken over, time and again', async () => {
    const path = temporaryDirectory();
    const acquired: unknown[] = [];

    for (let life = 0; life < 5; life++) {
      const holder = new LockProcess(hostOf(life));
      acquired.push(await holder.call('acquire', path));
      await holder.kill();
    }

    expect(acquired).toEqual(Array.from({ length: 5 }, () => ({ acquired: true })));
    // Of the last one, which nobody has come after.
    expect(readdirSync(dataDirLayout(path).lock)).toHaveLength(2);
  });

  test('a frozen holder is a living one', async () => {
    const path = temporaryDirectory();
    const [holder, other] = [new LockProcess(hostOf(1)), new LockProcess(hostOf(2))];
    await holder.call('acquire', path);
    const { pid } = await holder.call('whoAreYou', undefined);
    holder.freeze();

    const refused = await other.call('acquire', path);
    await holder.kill();
    const taken = await other.call('acquire', path);

    expect(refused).toMatchObject({ code: 'ERR_DATA_DIR_LOCKED', data: { pid, path } });
    expect(taken).toEqual({ acquired: true });
  });

  test(`of ${RACERS} that start over the lock of a dead holder, exactly one gets it, ${RACES} times`, async () => {
    const path = temporaryDirectory();
    let started = RACERS;
    const racers = Array.from({ length: RACERS }, (_, index) => new LockProcess(hostOf(index)));
    await Promise.all(racers.map((racer) => racer.call('whoAreYou', undefined)));
    const winners: number[] = [];
    const codes = new Set<string>();

    for (let race = 0; race < RACES; race++) {
      // Besides what the last winner has left: others, with the process id of somebody who lives.
      for (const random of RANDOM_PARTS) {
        await leaveDeadClaim(dataDirLayout(path).lock, { random, pid: process.pid, held: race % 2 === 0 });
      }
      const outcomes = await Promise.all(racers.map((racer) => racer.call('acquire', path)));
      for (const outcome of outcomes) if (!outcome.acquired) codes.add(outcome.code);
      winners.push(outcomes.filter(({ acquired }) => acquired).length);
      const winner = outcomes.findIndex(({ acquired }) => acquired);
      await racers[winner]?.kill();
      racers[winner] = new LockProcess(hostOf(started++));
      await racers[winner].call('whoAreYou', undefined);
    }

    expect(winners).toEqual(Array.from({ length: RACES }, () => 1));
    expect([...codes]).toEqual(['ERR_DATA_DIR_LOCKED']);
  });
});

test('a lock keeps no process alive, and is free when its process has ended without releasing it', async () => {
  const path = temporaryDirectory();
  const [holder, other] = [new LockProcess(), new LockProcess()];
  await holder.call('acquire', path);

  const code = await holder.letGo();

  expect(code).toBe(0);
  expect(await other.call('acquire', path)).toEqual({ acquired: true });
});

test('a lock that was released is free for another process at once', async () => {
  const path = temporaryDirectory();
  const [holder, other] = [new LockProcess(), new LockProcess()];
  await holder.call('acquire', path);

  await holder.call('release', path);

  expect(await other.call('acquire', path)).toEqual({ acquired: true });
  expect(await holder.call('acquire', path)).toMatchObject({ acquired: false, data: { pid: other.pid } });
});
