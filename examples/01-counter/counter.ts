/**
 * One server of three that share a counter. Give it its own address and those of the others:
 *
 *     node build/examples/01-counter/counter.js localhost:4321 localhost:4322 localhost:4323
 *
 * It stops when its input ends (Ctrl-D).
 */

import { once } from 'node:events';
import { Runtime } from 'conclave';
import { ReplCounter } from 'conclave/objects';

const [self = '', ...peers] = process.argv.slice(2);

const runtime = await Runtime.start({ self, peers, objects: { visits: ReplCounter } });
await runtime.ready({ signal: AbortSignal.timeout(60_000) });
const { visits } = runtime.objects;

for (let visit = 0; visit < 5; visit++) console.log(`${self}: visit number ${await visits.inc()}`);
console.log(`${self}: done`);

await once(process.stdin.resume(), 'end');
await runtime.stop();
