/**
 * A process that does nothing but wait for a lock or an election that others keep: it lives on while they are away, and
 * has what it has waited for when they are back.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../dist/testing/free-ports.js';
import { systemTimekeeper } from '../../dist/runtime/timekeeper.js';
import { FakeApiServer } from '../unit/sync/kubernetes/support/fake-api-server.js';
import { HttpApiServer } from '../unit/sync/kubernetes/support/http-api-server.js';
import { kubeconfigOf } from '../unit/sync/kubernetes/support/kubeconfig.js';
import { endOf } from './support/process-end.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SYNC = pathToFileURL(join(ROOT, 'dist/sync/index.js')).href;

function run(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** A process that waits for nothing but what this says: no await at its top level tells Node.js that there is more. */
function waits(script: string): ChildProcess {
  const program = `import { connect, kubernetes, sidecar } from '${SYNC}'; void (async () => { ${script} })();`;
  return run('--input-type=module', '--eval', program);
}

test('stands in an election until the sidecar is there, and leads', async () => {
  const [port] = await freePorts(1);
  const child = waits(`
    const sync = await connect(sidecar('http://127.0.0.1:${port}'));
    const running = sync.election('boss', { id: 'a', ttlMs: 1_000 }).run(() => console.log('leads'));
    console.log('stands');
    await running;
    console.log('is done');
  `);
  const said = text(child.stdout!);
  await once(child.stdout!, 'data');

  run(join(ROOT, 'dist/cli/main.js'), 'sidecar', '--backend', 'memory', '--listen', `127.0.0.1:${port}`);
  await endOf(child, () => 'one who stands in an election');

  expect(await said).toBe('stands\nleads\nis done\n');
});

test('waits for a Lease until the API server answers, and holds', async () => {
  const fake = new FakeApiServer(systemTimekeeper);
  fake.admit('a');
  fake.faultsOf('a').failures.push('500', '500');
  const http = await HttpApiServer.start(fake);
  onTestFinished(() => http.stop());

  const child = waits(`
    const sync = await connect(kubernetes({ kubeconfig: ${JSON.stringify(kubeconfigOf(http.url, 'a'))} }));
    await sync.lock('x').withLock(() => console.log('holds'));
    console.log('is done');
  `);
  const said = text(child.stdout!);
  await endOf(child, () => 'one who waits for a Lease');

  expect(await said).toBe('holds\nis done\n');
});
