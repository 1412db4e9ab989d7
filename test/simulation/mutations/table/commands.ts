/**
 * Mutations of what commands and their callers are promised: each once, in order, the same everywhere (thesis §6.3).
 */

import type { Mutation } from '../mutation.js';

export const COMMANDS: readonly Mutation[] = [
  {
    name: 'a block that was applied is applied again',
    rule: 'exactly once (thesis §6.3)',
    edits: [
      {
        file: 'actors/replicated/session-table.ts',
        text: "    if (firstSeq < session.nextSeq) return 'duplicate';\n",
        replacement: '',
      },
    ],
  },
  {
    name: 'a block is applied before one that is missing',
    rule: 'the commands of a session are applied in its order',
    edits: [
      {
        file: 'actors/replicated/session-table.ts',
        text: "    if (firstSeq > session.nextSeq) return 'gap';\n",
        replacement: '',
      },
    ],
  },
  {
    name: 'a session is opened twice for one life',
    rule: 'a request that was sent twice is one request',
    edits: [
      {
        file: 'actors/replicated/session-table.ts',
        text: '    if (this.#byLife.has(life)) return;\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'sessions are not in the snapshot',
    rule: 'sessions are a part of the state (thesis §6.3)',
    edits: [
      {
        file: 'actors/replicated/session-table.ts',
        text: 'return [...this.#sessions].map(([session, { nextSeq, life }]) => [session, nextSeq, life]);',
        replacement: 'return [];',
      },
    ],
  },
  {
    name: 'a node that restarts from a snapshot forgets which blocks were applied',
    rule: 'sessions are a part of the state (thesis §6.3)',
    edits: [
      {
        file: 'actors/replicated/session-table.ts',
        text: 'for (const [session, nextSeq, life] of saved) this.#add(sessionId(session), { nextSeq, life });',
        replacement: 'for (const [session, , life] of saved) this.#add(sessionId(session), { nextSeq: 1, life });',
      },
    ],
  },
  {
    name: 'a command that throws stops its node',
    rule: 'a command that throws is a result, and the log goes on',
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: '        collector?.fail(position, toPlainError(error), binding.name);',
        replacement:
          '        if (isCommand) throw error;\n        collector?.fail(position, toPlainError(error), binding.name);',
      },
    ],
  },
  {
    name: 'a command that throws is tried again',
    rule: 'a command that throws has been applied, once',
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: '        collector?.fail(position, toPlainError(error), binding.name);',
        replacement: `        if (isCommand) {
          try {
            binding.method.apply(binding.instance, args);
          } catch {}
        }
        collector?.fail(position, toPlainError(error), binding.name);`,
      },
    ],
  },
  {
    name: 'behind a command that throws, its block is given up by those that did not submit it',
    rule: 'every node goes through the same',
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: '        collector?.fail(position, toPlainError(error), binding.name);',
        replacement: `        if (collector === null) break;
        collector.fail(position, toPlainError(error), binding.name);`,
      },
    ],
  },
  {
    name: 'the commands of a block are applied backwards by those that did not submit it',
    rule: 'commands are applied in the order of the log',
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: `    for (let position = 0; position < header.count; position++) {
      const name`,
        replacement: `    for (let at = 0; at < header.count; at++) {
      const position = collector === null ? header.count - 1 - at : at;
      const name`,
      },
    ],
  },
  {
    name: 'time runs backwards when the leader changes',
    rule: "a command's timestamp is never before that of the command before",
    edits: [
      {
        file: 'actors/raft/state.ts',
        text: 'return Math.max(core.log.lastTimestampMs, core.wallMs);',
        replacement: 'return core.wallMs;',
      },
    ],
  },
  {
    name: 'a command that was sent and not answered in time is called refused',
    rule: 'mayBeApplied is false only of what was not applied and will not be',
    edits: [
      {
        file: 'actors/replicated/block-lane.ts',
        text: 'const mayBeApplied = wasSent && !this.#options.isQuery;',
        replacement: 'const mayBeApplied = wasSent && false;',
      },
    ],
  },
  {
    name: 'a command that was sent before its node stopped is called refused',
    rule: 'mayBeApplied is false only of what was not applied and will not be',
    edits: [
      {
        file: 'actors/replicated/caller.ts',
        text: 'commands.failAll((wasSent) => (wasSent ? reason : notSent(reason)));',
        replacement: 'commands.failAll(() => notSent(reason));',
      },
    ],
  },
  {
    name: 'a command that is given up while it waits is sent all the same',
    rule: 'what was refused is not applied',
    edits: [
      {
        file: 'actors/replicated/block-lane.ts',
        text: '        (position) => builder.cancel(position),',
        replacement: '        () => {},',
      },
    ],
  },
  {
    name: 'what the quickest machine of a node has applied counts as applied',
    rule: 'the log is kept for the slowest machine, and what is applied is what all have applied',
    edits: [
      {
        file: 'actors/raft/machine-feeds.ts',
        text: 'feed.appliedIndex < slowest.appliedIndex ? feed : slowest',
        replacement: 'feed.appliedIndex > slowest.appliedIndex ? feed : slowest',
      },
    ],
  },
  {
    name: 'a machine runs the commands of objects of another one of its node as though there were none',
    rule: 'each command is run where its object is, and nowhere else',
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: "return this.isHere(name) ? this.#bindCreated(name) : 'elsewhere';",
        replacement: 'return this.#bindCreated(name);',
      },
    ],
  },
];
