/**
 * One server of three that keep notes. Give it a folder, its own address and those of the others; it writes down each
 * line of its input, and stops when that ends (Ctrl-D).
 */

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Runtime } from 'conclave';
import { Notes } from './notes.js';

const [folder = '.', self = '', ...peers] = process.argv.slice(2);

const runtime = await Runtime.start({
  self,
  peers,
  objects: { notes: Notes },
  dataDir: join(folder, self.replaceAll(':', '-')), // each server has its own
});
await runtime.ready({ signal: AbortSignal.timeout(60_000) });
const { notes } = runtime.objects;
console.log(`ready ${(await notes.all()).length}`);

for await (const line of createInterface(process.stdin)) {
  if (line === '') console.log(`${(await notes.all()).length} notes`);
  else console.log(`kept ${await notes.add(line)} ${line}`);
}
await runtime.stop();
