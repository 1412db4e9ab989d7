/** What comes to a user's logger from other threads: lines of all of them, and never what is in commands. */

import { pino } from 'pino';
import { LocalCluster } from 'conclave/testing';
import { expect, it, vi } from 'vitest';
import type * as Hazards from './fixtures/hazard.js';

// Compiled, for a worker cannot load TypeScript.
const { Hazard } = (await import(
  new URL('../../build/test/threads/fixtures/hazard.js', import.meta.url).href
)) as typeof Hazards;

const SECRET = 'hunter2';

it('a logger is told by all threads, and by none what is in commands and in what classes throw', async () => {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  await using cluster = await LocalCluster.start({ nodes: 1, threads: true, objects: { hazard: Hazard }, logger });
  const [node] = cluster.nodes;
  await cluster.ready();

  await node!.objects.hazard.rejectLater(SECRET);
  await vi.waitFor(() => expect(lines.join('')).toContain('nobody waits for a promise'));
  await node!.objects.hazard.append(SECRET);
  await node!.compact();
  await node!.stop();

  const told = lines.map((line) => JSON.parse(line) as { node: string; thread?: string; msg: string });
  expect(new Set(told.map((line) => line.thread))).toEqual(new Set([undefined, 'consensus', 'storage', 'object']));
  for (const { node: of } of told) expect(of).toBe(node!.status().self);
  expect(lines.join('')).toContain('hazard.js');
  expect(lines.join('')).not.toContain(SECRET);
});
