/**
 * One server of three that share a box of votes. Give it `old` or `new`, a folder, its own address and those of the
 * others. It votes all the time; a line `raise` has the new code come into force, and it stops when its input ends.
 */

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { ConclaveError, Runtime } from 'conclave';
import { VoteBox as NewVoteBox } from './new-vote-box.js';
import { VoteBox as OldVoteBox } from './vote-box.js';

const [code, folder = '.', self = '', ...peers] = process.argv.slice(2);

const runtime = await Runtime.start({
  self,
  peers,
  objects: { box: code === 'new' ? NewVoteBox : OldVoteBox },
  dataDir: join(folder, self.replaceAll(':', '-')),
});
runtime.on('version', (version) => console.log(`version ${version}`));
await runtime.ready({ signal: AbortSignal.timeout(60_000) });
console.log('ready');

const enough = new AbortController();
async function vote(): Promise<void> {
  for (let count = 0; !enough.signal.aborted; count++) {
    await runtime.objects.box.vote(count % 2 === 0 ? 'Ada' : 'ada');
    console.log('voted');
    await delay(2);
  }
}

/** Only the leader can do it, and only once all servers have the new code. */
async function raise(): Promise<void> {
  try {
    await runtime.setCodeVersion(1);
  } catch (error) {
    if (!(error instanceof ConclaveError)) throw error;
    console.log(`refused ${error.code}`);
  }
}

const voting = vote();
for await (const line of createInterface(process.stdin)) {
  if (line === 'raise') await raise();
  if (line === 'enough') {
    enough.abort();
    await voting;
    console.log('stopped');
  }
  if (line === 'result') console.log(`result ${JSON.stringify(await runtime.objects.box.result())}`);
}
enough.abort();
await voting;
await runtime.stop();
