/**
 * Mutations of objects that are created and dropped at run time: which there are, who is meant, and what a snapshot
 * knows of them.
 */

import type { Mutation } from '../mutation.js';

const subject = 'created objects';

export const CREATED_OBJECTS: readonly Mutation[] = [
  {
    name: 'an object is created in the place of another one',
    rule: 'there is one object of a name, and who comes second is told',
    subject,
    edits: [
      {
        file: 'actors/replicated/created-objects.ts',
        text: 'if (this.#objects.has(name)) {',
        replacement: 'if (this.#objects.size < 0) {',
      },
    ],
  },
  {
    name: 'a snapshot does not forget what was dropped',
    rule: 'which objects there are is a part of the state',
    subject,
    edits: [
      {
        file: 'actors/replicated/created-objects.ts',
        text: '  readonly #objects = new Map<string, CreatedObject>();',
        replacement: `  readonly #objects = new Map<string, CreatedObject>();
  readonly #saved = new Map<string, CreatedObject>();`,
      },
      {
        file: 'actors/replicated/created-objects.ts',
        text: '    return [...this.#objects].map(',
        replacement: '    return [...this.#saved].map(',
      },
      {
        file: 'actors/replicated/created-objects.ts',
        text: '    this.#objects.set(name, {',
        replacement:
          '    this.#saved.set(name, { class: loadedClass, args, loaded, watch: new StateWatch(loaded) });\n    this.#objects.set(name, {',
      },
    ],
  },
  {
    name: 'created objects are not in the snapshot',
    rule: 'which objects there are is a part of the state',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine-snapshot.ts',
        text: 'if (created.length > 0) {',
        replacement: 'if (created.length < 0) {',
      },
    ],
  },
  {
    name: 'the states of created objects are not in the snapshot',
    rule: 'what a created object holds is a part of the state',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine-snapshot.ts',
        text: '    ...machine.created.map((object): [string, LoadedObject] => [CREATED_PREFIX + object.name, object]),\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a call reaches an object of another class',
    rule: 'an object is called as one of its class, whoever has its name by then',
    subject,
    edits: [
      {
        file: 'actors/replicated/created-objects.ts',
        text: 'return object?.class.name === className ? object : undefined;',
        replacement: 'return className === undefined ? undefined : object;',
      },
    ],
  },
  {
    name: 'who has called an object calls it on after it was dropped',
    rule: 'what is called on an object behind its drop is refused',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: '    for (const method of loadedClass.methods.keys()) this.#bindings.delete(`${called}.${method}`);\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a block goes on with what there was before its drop',
    rule: 'what is called on an object behind its drop is refused',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: `this.#bindings.delete(\`\${called}.\${method}\`);
    this.#bind();`,
        replacement: 'this.#bindings.delete(`${called}.${method}`);',
      },
    ],
  },
  {
    name: 'a block goes on with what there was before it created something',
    rule: 'what is called on an object behind its creation reaches it',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: `    this.#recordCreated({ object: name as string, class: className });
    this.#bind();`,
        replacement: '    this.#recordCreated({ object: name as string, class: className });',
      },
    ],
  },
  {
    name: 'who watches an object is not told that it was dropped',
    rule: 'a watch ends with its object',
    subject,
    edits: [
      {
        file: 'actors/replicated/machine.ts',
        text: '    this.#changes.get(called)!.drop(noSuchObject(dropped));\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a watch goes on from what is not kept',
    rule: 'none is missing between the changes that are told',
    subject,
    edits: [
      {
        file: 'actors/replicated/changes/change-recorder.ts',
        text: 'if (!isNew && (known === null || comparePlaces(from, known) < 0)) return null;',
        replacement: 'if (!isNew && known === null) return null;',
      },
    ],
  },
  {
    name: 'a watch that begins is told what lies before it',
    rule: 'none is told twice',
    subject,
    edits: [
      {
        file: 'actors/replicated/changes/change-recorder.ts',
        text: 'this.#row.since(isNew ? next : from, key',
        replacement: 'this.#row.since(isNew ? FIRST_PLACE : from, key',
      },
    ],
  },
];
