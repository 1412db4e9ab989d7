/** Every disk does what the port says: the simulated one, and the real one in a directory of its own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NodeDisk } from '../../../src/storage/node-disk.js';
import { SimulatedDisk } from '../../../src/testing/simulated-disk.js';
import { DISK_CASES } from './disk-conformance.js';

describe('SimulatedDisk', () => {
  test.each(DISK_CASES)('$name', ({ run }) => {
    const disk = new SimulatedDisk(1);
    disk.makeDirectory('/root');

    run(disk, '/root');

    expect(disk.openFiles).toBe(0);
  });
});

describe('NodeDisk', () => {
  let parent: string;
  beforeAll(() => void (parent = mkdtempSync(join(tmpdir(), 'conclave-disk-'))));
  afterAll(() => rmSync(parent, { recursive: true }));

  test.each(DISK_CASES)('$name', ({ run }) => {
    run(new NodeDisk(), mkdtempSync(join(parent, 'case-')));
  });
});
