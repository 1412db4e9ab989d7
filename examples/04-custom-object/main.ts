/** Fills a ranking, has a snapshot taken of it, starts the server again, and looks whether the ranking is the same. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Runtime } from 'conclave';
import { freePorts } from '../../bench/processes/free-ports.js';
import { Ranking } from './ranking.js';

const PLAYERS = 2_500;
const SCORES = 10_000;

async function main(dataDir: string): Promise<void> {
  const [port] = await freePorts(1);
  // One server is a cluster of its own; three would do the same, each for itself.
  const start = () => Runtime.start({ self: `localhost:${port}`, peers: [], objects: { ranking: Ranking }, dataDir });

  const first = await start();
  await first.ready();
  const scores = Array.from({ length: SCORES }, (_, i) =>
    first.objects.ranking.score(`player ${(i * 7919) % PLAYERS}`, (i * 31) % 100),
  );
  await Promise.all(scores);
  const index = await first.compact();
  const place = await first.objects.ranking.score('player 42', 1_000_000);
  const top = await first.objects.ranking.top(3);
  console.log(`${SCORES} scores, and a snapshot of all up to entry ${index}.`);
  console.log(`Then one more, for place ${place}: ${JSON.stringify(top)}`);
  await first.stop();

  const second = await start();
  await second.ready();
  const { snapshotIndex } = second.status();
  const topAgain = await second.objects.ranking.top(3);
  const size = await second.objects.ranking.size();
  console.log(`Started again from the snapshot of entry ${snapshotIndex} and the log behind it:`);
  console.log(`${size} players, ${JSON.stringify(topAgain)}`);
  await second.stop();

  if (snapshotIndex < index) throw new Error('There is no snapshot.');
  if (size !== PLAYERS || !isDeepStrictEqual(topAgain, top)) throw new Error('The ranking is another one.');
  console.log('It is the same.');
}

const folder = await mkdtemp(join(tmpdir(), 'conclave-ranking-'));
try {
  await main(folder);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
await rm(folder, { recursive: true, force: true });
