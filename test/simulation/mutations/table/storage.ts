/** Mutations of the write-ahead log: what it takes for durable, and what it finds after a crash. */

import type { Mutation } from '../mutation.js';

export const STORAGE: readonly Mutation[] = [
  {
    name: 'the log is not synced',
    rule: 'what is acknowledged survives a loss of power',
    edits: [
      {
        file: 'actors/log-store/wal-writer.ts',
        text: `    this.#file.sync();
    this.#offset += this.#batch.bytes;`,
        replacement: '    this.#offset += this.#batch.bytes;',
      },
    ],
  },
  {
    name: 'the log is written later than it is said to be',
    rule: 'what is acknowledged survives the end of a process',
    edits: [
      {
        file: 'actors/log-store/log-store-actor.ts',
        text: '    this.#writer!.commit();\n    this.#onCommitted();\n    this.#tellIdle();',
        replacement: '    this.#onCommitted();\n    this.#tellIdle();',
      },
    ],
  },
  {
    name: 'a new file of the log does not begin with term and vote',
    rule: 'each file holds what no file before it is needed for any more',
    edits: [
      {
        file: 'actors/log-store/wal-writer.ts',
        text: '    for (const record of this.#hardStates.values()) this.#add(record);',
        replacement: '',
      },
    ],
  },
  {
    name: 'a torn end is not cut off',
    rule: 'nothing is written behind a record that is not whole',
    edits: [
      {
        file: 'actors/log-store/wal-writer.ts',
        text: '      for (const end of scan.ends.slice(-1)) endSegment(disk, end);\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a torn end is cut off, but not what was found before it made durable',
    rule: 'what a start has found counts as durable: it must be',
    edits: [
      {
        file: 'actors/log-store/end-segment.ts',
        text: '    file.write(batch.buffers(), offset);\n    file.sync();',
        replacement: '    file.write(batch.buffers(), offset);',
      },
    ],
  },
  {
    name: 'a damaged record is taken for a torn end',
    rule: 'a disk that lied stops its node',
    edits: [
      {
        file: 'actors/log-store/wal-scan.ts',
        text: "    if (isDamaged) throw walCorrupt(path, offset, 'the record is damaged, and was durable: others follow it');\n",
        replacement: '',
      },
    ],
  },
  {
    name: 'a file of the log is dropped before a snapshot has all of it',
    rule: 'the log is dropped up to the older snapshot, and no further',
    edits: [
      {
        file: 'actors/log-store/wal-writer.ts',
        text: 'if (lastIndex > (this.#dropIndexes.get(group) ?? 0)) return false;',
        replacement: 'if (lastIndex > (this.#dropIndexes.get(group) ?? 0) + 20) return false;',
      },
    ],
  },
];
