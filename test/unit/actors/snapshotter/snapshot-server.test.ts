import { beforeEach, describe, expect, test } from 'vitest';
import type { SnapshotPiece, SnapshotRequest } from '../../../../src/actors/raft/messages.js';
import { SnapshotServer } from '../../../../src/actors/snapshotter/snapshot-server.js';
import { crc32 } from '../../../../src/checksum.js';
import { groupId, nodeId, type NodeId } from '../../../../src/ids.js';
import { silentLogger } from '../../../../src/runtime/logger.js';
import { openDraft } from '../../../../src/storage/snapshot-draft.js';
import { SnapshotFolder } from '../../../../src/storage/snapshot-folder.js';
import type { SnapshotInfo } from '../../../../src/storage/snapshot-info.js';
import { SimulatedDisk } from '../../../../src/testing/simulated-disk.js';
import { cutAt, noise, writeSections } from '../../storage/snapshot-samples.js';

const [SELF, PEER, OTHER] = ['a:1', 'b:1', 'c:1'].map(nodeId) as [NodeId, NodeId, NodeId];

let disk: SimulatedDisk;
let snapshot: SnapshotInfo;
let content: Uint8Array;
let nowMs: number;
let server: SnapshotServer;
let doubted: string[];
let sent: { readonly to: NodeId; readonly piece: SnapshotPiece }[];

beforeEach(() => {
  disk = new SimulatedDisk(1);
  const store = SnapshotFolder.open(disk, '/snapshots', () => {});
  const draft = openDraft(disk, store.newDraft(), null);
  const { lastIncluded } = cutAt(9);
  const written = writeSections(draft, { state: noise(1_000) }, cutAt(9));
  snapshot = store.publish({ ...written, lastIncluded, location: draft.finish() });
  content = [...disk.files().values()][0]!;
  nowMs = 0;
  sent = [];
  doubted = [];
  const clock = { nowMs: () => nowMs, wallMs: () => 0 };
  const send = (to: NodeId, piece: SnapshotPiece): void => void sent.push({ to, piece });
  const onDoubt = ({ id }: SnapshotInfo): void => void doubted.push(id);
  server = new SnapshotServer({ group: groupId(3), self: SELF, store, clock, logger: silentLogger, send, onDoubt });
});

function ask(request: Partial<SnapshotRequest> = {}): void {
  const { id: snapshotId } = snapshot;
  server.onRequest({
    type: 'snapshotRequest',
    group: groupId(3),
    from: PEER,
    snapshotId,
    offset: 0,
    length: 100,
    ...request,
  });
}

describe('a request', () => {
  test('is answered with the bytes that were asked for, and their checksum', () => {
    ask({ offset: 10, length: 100 });

    const bytes = content.slice(10, 110);
    expect(sent).toEqual([
      {
        to: PEER,
        piece: {
          type: 'snapshotPiece',
          group: 3,
          from: SELF,
          snapshotId: snapshot.id,
          offset: 10,
          crc: crc32(bytes),
          bytes,
        },
      },
    ]);
  });

  test('gets no more than there is', () => {
    ask({ offset: snapshot.bytes - 5, length: 100 });

    expect(sent[0]!.piece.bytes).toEqual(content.slice(-5));
  });

  test('for a snapshot that is not there gets no bytes', () => {
    ask({ snapshotId: 'f'.repeat(32) });

    expect(sent).toMatchObject([{ piece: { snapshotId: 'f'.repeat(32), bytes: new Uint8Array(0) } }]);
  });

  test.each([
    ['from behind the end', { offset: 1e9 }],
    ['for nothing', { length: 0 }],
  ])('%s is not answered', (_, request) => {
    ask(request);

    expect(sent).toEqual([]);
  });

  test('gets no bytes when the disk does not give them, and the next one tries again', () => {
    const [path] = disk.files().keys();
    disk.makeUnreadable(path!, 0);

    ask();

    expect(sent).toMatchObject([{ piece: { bytes: new Uint8Array(0) } }]);
    expect(disk.openFiles).toBe(0);
  });

  test('is one of a few of each peer in a turn; what is beyond is dropped', () => {
    for (let i = 0; i < 20; i++) ask({ offset: i });
    ask({ from: OTHER });
    server.drained();
    ask({ offset: 50 });

    expect(sent.map(({ to, piece }) => [to, piece.offset])).toEqual([
      ...Array.from({ length: 8 }, (_, offset) => [PEER, offset]),
      [OTHER, 0],
      [PEER, 50],
    ]);
  });
});

describe('a snapshot is doubted', () => {
  const toTheEnd = (): { offset: number; length: number } => ({ offset: 100, length: snapshot.bytes });

  beforeEach(() => void server.offered(snapshot.id));

  test('when somebody who has had all of it begins anew, once each time', () => {
    ask();
    ask(toTheEnd());
    expect(doubted).toEqual([]);

    ask();
    ask();

    expect(doubted).toEqual([snapshot.id]);
  });

  test('not when somebody begins anew in the middle of it, or begins later than others', () => {
    ask();
    ask({ offset: 100 });
    ask();
    ask(toTheEnd());
    ask({ from: OTHER });

    expect(doubted).toEqual([]);
  });

  test('when the disk does not give it', () => {
    disk.makeUnreadable([...disk.files().keys()][0]!, 0);

    ask();

    expect(doubted).toEqual([snapshot.id]);
  });
});

describe('a snapshot that is being read', () => {
  test('is open, and counts as read, until nobody has asked for half a minute', () => {
    ask();
    nowMs = 20_000;
    ask();
    nowMs = 49_999;
    expect(server.closeIdle(nowMs)).toBe(false);
    expect(server.isWanted(snapshot)).toBe(true);

    nowMs = 50_000;

    expect(server.closeIdle(nowMs)).toBe(true);
    expect(server.isWanted(snapshot)).toBe(false);
    expect(disk.openFiles).toBe(0);
  });

  test('is closed with the server', () => {
    ask();

    server.close();

    expect(disk.openFiles).toBe(0);
  });
});
