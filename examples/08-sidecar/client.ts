/**
 * Takes turns by a lock, and knows nothing of Conclave: any language can do this. In each of its turns it counts in a
 * file, which it reads, and writes a moment later. Says for each turn its token, and how far it has counted.
 *
 *     node client.js URL FILE
 */

import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const [url = '', file = ''] = process.argv.slice(2);
const LOCK = `${url}/locks/count`;
const TURNS = 5;
const COUNTED_IN_A_TURN = 4;

/** Waits for its turn. Resolves with its token. */
async function acquire(): Promise<string> {
  for (;;) {
    const response = await fetch(`${LOCK}?waitMs=5000`, { method: 'PUT' });
    if (response.status === 200) return response.headers.get('x-fencing-token')!;
    if (response.status !== 409) throw new Error(`${response.status} ${await response.text()}`);
  }
}

/** Says that it is still there; ten seconds apart are often enough. False: the lock is another's. */
async function beat(): Promise<boolean> {
  return (await fetch(LOCK, { method: 'PUT' })).status === 200;
}

for (let turn = 0; turn < TURNS; turn++) {
  const token = await acquire();
  for (let i = 0; i < COUNTED_IN_A_TURN; i++) {
    const count = Number(await readFile(file, 'utf8'));
    await delay(5);
    await writeFile(file, String(count + 1));
  }
  if (!(await beat())) throw new Error('The lock was lost.');
  console.log(`${token} ${COUNTED_IN_A_TURN}`);
  await fetch(LOCK, { method: 'DELETE' });
}
