/** A machine that begins with what another one has come to, for tests of what is not to make a difference. */

import type { Machine } from '../../../../../src/actors/replicated/machine.js';
import { restoreMachine, saveMachine } from '../../../../../src/actors/replicated/machine-snapshot.js';
import { openDraft } from '../../../../../src/storage/snapshot-draft.js';
import { SnapshotReader } from '../../../../../src/storage/snapshot-reader.js';
import { SnapshotWriter } from '../../../../../src/storage/snapshot-writer.js';
import { SimulatedDisk } from '../../../../../src/testing/simulated-disk.js';

/** Takes a snapshot of a machine, and has another one begin with it. */
export async function throughSnapshot(from: Machine, to: Machine): Promise<void> {
  const disk = new SimulatedDisk(1);
  disk.makeDirectory('/data');
  const draft = openDraft(disk, { kind: 'file', path: '/data/snapshot' }, null);
  const writer = new SnapshotWriter(draft);
  await saveMachine(from, writer, () => undefined);
  const { lastIncluded, configuration, codeVersion } = from.save();
  writer.finish({ lastIncluded, configuration, codeVersion });
  const reader = SnapshotReader.openAt(disk, draft.finish());
  await restoreMachine(to, reader, () => undefined).finally(() => reader.close());
}
