/** Mutations of snapshots: what is in them, when they count, and how they are installed (Raft §7). */

import type { Mutation } from '../mutation.js';

export const SNAPSHOTS: readonly Mutation[] = [
  {
    name: 'a snapshot misses the last command that it should have',
    rule: 'a snapshot holds everything up to its last included entry (§7)',
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: '      if (reader.kind === EntryKind.block) {',
        replacement:
          '      if (this.#life === null && reader.payloadEnd === entries.length) {\n      } else if (reader.kind === EntryKind.block) {',
      },
    ],
  },
  {
    name: 'a snapshot says that it holds one entry more',
    rule: 'a snapshot holds everything up to its last included entry (§7)',
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: '    this.appliedIndex = lastIncluded.index;',
        replacement: '    this.appliedIndex = lastIncluded.index - 1;',
      },
    ],
  },
  {
    name: 'a snapshot is published before it is durable',
    rule: 'the log is dropped once a snapshot of it is durable (§7)',
    edits: [
      {
        file: 'storage/snapshot-draft.ts',
        text: '    this.#file.sync();\n    this.#synced',
        replacement: '    this.#synced',
      },
    ],
  },
  {
    name: 'the name of a snapshot is not synced',
    rule: 'the log is dropped once a snapshot of it is durable (§7)',
    edits: [
      {
        file: 'storage/snapshot-folder.ts',
        text: `    this.#disk.rename(pathOf(draft), path);
    this.#disk.syncDirectory(this.#directory);`,
        replacement: '    this.#disk.rename(pathOf(draft), path);',
      },
    ],
  },
  {
    name: 'the names of the snapshots that a start has found are not synced',
    rule: 'what a start has found counts as durable: it must be',
    edits: [
      {
        file: 'storage/snapshot-folder.ts',
        text: '    if (names.length > 0) disk.syncDirectory(directory);\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'the log in memory is dropped further than the snapshot reaches',
    rule: 'whoever lacks what is not in the log is given a snapshot that has it (§7)',
    edits: [
      {
        file: 'actors/raft/snapshot-desk.ts',
        text: 'dropLogTo(this.#core, logIndex(Math.min(neededFrom, this.#feeds.appliedIndex, lastApplied)));',
        replacement:
          'dropLogTo(this.#core, logIndex(Math.min(neededFrom + 2, this.#core.log.lastIndex, this.#feeds.appliedIndex, lastApplied)));',
      },
    ],
  },
  {
    name: 'a snapshot is acknowledged when it is offered',
    rule: 'what is acknowledged is there (§7)',
    edits: [
      {
        file: 'actors/raft/snapshots.ts',
        text: '  const lastIncluded = { index: lastIncludedIndex, term, timestampMs };',
        replacement:
          '  const lastIncluded = { index: lastIncludedIndex, term, timestampMs };\n  acknowledge(core, message, lastIncludedIndex);',
      },
    ],
  },
  {
    name: 'the log is not begun anew behind an installed snapshot',
    rule: 'a snapshot takes the place of a log that does not have its last entry (§7)',
    edits: [
      {
        file: 'actors/raft/snapshots.ts',
        text: '    if (!isHeld || core.storedIndex < lastIncludedIndex) core.unstoredReset = lastIncluded;\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'who counts is not taken from an installed snapshot',
    rule: 'members are a part of a snapshot (§7)',
    edits: [
      {
        file: 'actors/raft/snapshots.ts',
        text: '      core.configurations.resetTo(configuration, lastIncludedIndex);',
        replacement: '      core.configurations.resetTo(core.configurations.current, lastIncludedIndex);',
      },
    ],
  },
  {
    name: 'the log behind an installed snapshot is kept although it is another one',
    rule: 'what is behind a snapshot is kept only if the log has its last entry (§7)',
    edits: [
      {
        file: 'actors/raft/snapshots.ts',
        text: 'const isHeld = core.log.termAt(lastIncludedIndex) === lastIncluded.term;',
        replacement: 'const isHeld = core.log.termAt(lastIncludedIndex) !== null;',
      },
    ],
  },
  {
    name: 'objects that begin with a snapshot bring nobody into its term',
    rule: 'a snapshot may be durable before the term in which it was received',
    edits: [
      {
        file: 'actors/raft/snapshots.ts',
        text: 'if (term <= core.term) return role;',
        replacement: 'if (term < Infinity) return role;',
      },
    ],
  },
];
