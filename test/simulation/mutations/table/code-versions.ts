/** Mutations of code versions: when one comes into force, what commands do by it, and who must not go on. */

import type { Mutation } from '../mutation.js';

const subject = 'code versions';

export const CODE_VERSIONS: readonly Mutation[] = [
  {
    name: 'a version is raised without asking anybody',
    rule: 'a version comes into force when everybody who applies the log has code of it',
    subject,
    edits: [
      {
        file: 'actors/raft/versioning.ts',
        text: 'return version === current || lacking.length === 0 ? null',
        replacement: 'return lacking.length < Infinity ? null',
      },
    ],
  },
  {
    name: 'a version is raised without those that are away',
    rule: 'a member that is away counts with what it had when it was last there',
    subject,
    edits: [
      {
        file: 'actors/raft/versioning.ts',
        text: 'const ids = new Set([...membersOf(configurations.current), ...connected]);',
        replacement: 'const ids = new Set(membersOf(configurations.current).filter((id) => connected.has(id)));',
      },
    ],
  },
  {
    name: 'a node goes on by its old code',
    rule: 'a node that is too old for what is in force stops before it would do anything else than others',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: 'if (codeVersion > this.codeVersionMax) throw codeTooOld(codeVersion, this.codeVersionMax);',
        replacement: 'if (codeVersion > this.codeVersionMax) return;',
      },
      {
        file: 'actors/replicated/machine.ts',
        text: "    assert(this.#codeVersion === codeVersion, 'objects are restored by the code that has saved them');\n",
        replacement: '',
      },
    ],
  },
  {
    name: 'an old node skips the commands of a later version',
    rule: 'a node stops at a command that its code does not have, and never skips it',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: 'if (codeVersion > this.codeVersionMax) throw codeTooOld(codeVersion, this.codeVersionMax);',
        replacement: '',
      },
      {
        file: 'actors/replicated/machine.ts',
        text: 'if (isCommand) throw unknownCommand(header.names[name]!, this.#codeVersion, index);',
        replacement: '',
      },
    ],
  },
  {
    name: 'the version in force is not in the snapshot',
    rule: 'the version in force is a part of the state',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: 'return { lastIncluded, configuration, codeVersion: this.#codeVersion, sessions: this.#sessions.save() };',
        replacement: 'return { lastIncluded, configuration, codeVersion: 0, sessions: this.#sessions.save() };',
      },
    ],
  },
  {
    name: 'commands do at a later version what they did before',
    rule: 'a command runs the newest version of it that is not above the one in force',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: 'return versions.findLast(({ version }) => version <= codeVersion)?.method ?? null;',
        replacement: 'return versions.find(({ version }) => version <= codeVersion)?.method ?? null;',
      },
    ],
  },
  {
    name: 'a node runs its newest code as soon as it has it',
    rule: 'until a version is in force, commands do what the one before it says',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: 'return versions.findLast(({ version }) => version <= codeVersion)?.method ?? null;',
        replacement: 'return versions.findLast(({ version }) => version <= codeVersion + 1)?.method ?? null;',
      },
    ],
  },
  {
    name: 'a version that is in force is taken back',
    rule: 'the version in force never goes down',
    subject,
    edits: [
      {
        file: 'actors/raft/versioning.ts',
        text: "if (version < current) return { reason: 'lower', current };",
        replacement: '',
      },
      {
        file: 'actors/raft/versioning.ts',
        text: 'if (refusal === null && version > known(core, leader)) append(core, leader, version);',
        replacement: 'if (refusal === null && version !== known(core, leader)) append(core, leader, version);',
      },
    ],
  },
  {
    name: 'a version is called in force when it is begun',
    rule: 'whoever raises a version is told when it is in force',
    subject,
    edits: [
      {
        file: 'node/raise-code-version.ts',
        text: 'const isDone = (): boolean => port.current() >= version;',
        replacement: 'const isDone = (): boolean => mayHaveBegun;',
      },
    ],
  },
  {
    name: 'fields that an older snapshot does not know are gone',
    rule: 'what a snapshot of older code does not know is what the constructor makes it',
    subject,
    edits: [
      {
        file: 'actors/replicated/state/set-fields.ts',
        text: '} else if (!known.has(key)) {',
        replacement: '} else if (known.size < 0) {',
      },
    ],
  },
  {
    name: 'an object of a later version is none on a machine that begins with a snapshot',
    rule: 'an object is there from its version on',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: 'this.#objects = this.#allObjects.filter(({ since }) => since <= codeVersion);',
        replacement:
          'this.#objects = this.#allObjects.filter(({ since }) => since <= (this.appliedIndex > 0 ? codeVersion : 0));',
      },
    ],
  },
  {
    name: 'a member that was never seen is taken for upgraded',
    rule: 'a leader knows of each member what code it has, or raises nothing',
    subject,
    edits: [
      {
        file: 'actors/raft/versioning.ts',
        text: 'core.codeVersions.get(id) ?? null] as const',
        replacement: 'core.codeVersions.get(id) ?? version] as const',
      },
      {
        file: 'actors/raft/versioning.ts',
        text: 'followers(core).map((id) => core.codeVersions.get(id) ?? 0)',
        replacement: 'followers(core).map((id) => core.codeVersions.get(id) ?? codeVersionMax)',
      },
    ],
  },
];
