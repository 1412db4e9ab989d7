/**
 * Programs that listen on ports of this machine, as benchmarks need several of them at a time: started, waited for, and
 * ended whatever happens. Runs in the parent.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const START_TIMEOUT_MS = 15_000;
const POLL_MS = 50;

export interface Server {
  readonly program: string;
  readonly args: readonly string[];
  /** By which it is seen to be ready. */
  readonly port: number;
}

/** Runs `use` while all of them run, once `isReady` has said so of each port. */
export async function withServers<Result>(
  servers: readonly Server[],
  isReady: (port: number) => Promise<boolean>,
  use: () => Promise<Result>,
): Promise<Result> {
  const processes = servers.map(({ program, args }) => {
    const server = spawn(program, args, { stdio: 'ignore' });
    // One that cannot be started is not ready either, which is said then.
    server.on('error', () => {});
    return server;
  });
  const onExit = (): void => processes.forEach((each) => each.kill('SIGKILL'));
  process.once('exit', onExit);
  try {
    await Promise.all(servers.map(({ port }, index) => untilReady(processes[index]!, () => isReady(port))));
    return await use();
  } finally {
    process.off('exit', onExit);
    await Promise.all(processes.map(end));
  }
}

/** Does somebody listen on this port of the loopback address? */
export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const listening = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return listening;
}

async function untilReady(server: ChildProcess, isReady: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!(await isReady())) {
    if (server.exitCode !== null) throw new Error(`${server.spawnfile} has ended with ${server.exitCode}.`);
    if (performance.now() > deadlineMs)
      throw new Error(`${server.spawnfile} was not ready within ${START_TIMEOUT_MS} ms.`);
    await delay(POLL_MS);
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
}
