/**
 * Sidecars as `conclave sidecar` starts them, each a node of one cluster, on free ports of this machine and with their
 * logs in a temporary directory. Runs in the parent.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../processes/free-ports.js';
import { withServers } from '../processes/servers.js';

/** The command; this file runs from build/bench/locks. */
const COMMAND = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

/** Runs `use` with the ports of as many of them, all of which are ready. */
export async function withSidecars<Result>(
  count: number,
  directory: string,
  use: (ports: readonly number[]) => Promise<Result>,
): Promise<Result> {
  const ports = await freePorts(2 * count);
  const nodes = ports.slice(count).map((port) => `127.0.0.1:${port}`);
  const servers = nodes.map((self, index) => {
    const port = ports[index]!;
    const peers = nodes.filter((node) => node !== self).join();
    const args = [
      ...[COMMAND, 'sidecar', '--backend', 'raft', '--self', self, '--peers', peers],
      ...['--listen', `127.0.0.1:${port}`, '--identity', `sidecar${index}`],
      ...['--data-dir', join(directory, String(index))],
    ];
    return { program: process.execPath, args, port };
  });
  return withServers(servers, isReady, () => use(ports.slice(0, count)));
}

/** @throws Error when this sidecar, which another one's lock is asked of, says anything but that it is taken. */
export async function checkRefused(port: number, name: string): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${port}/locks/${name}`, { method: 'PUT' });
  if (status !== 409) throw new Error(`The lock ${name} is held, and another sidecar has answered ${status}.`);
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}
