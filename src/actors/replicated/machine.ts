/**
 * The replicated state machine of one node, or of those of its objects that are on one thread: objects and sessions,
 * changed by committed entries and by nothing else. Runs on a thread of objects inside MachineActor; knows no messages,
 * no threads and no clock, so that the same entries give the same state on every node.
 */

import { assert } from '../../assert.js';
import { ConclaveError, toPlainError, type PlainError } from '../../errors.js';
import { logIndex, sessionId, term, type LastIncluded, type Life, type SessionId } from '../../ids.js';
import { readCodeVersion } from '../raft/code-version-entry.js';
import { EntryKind, EntryReader } from '../raft/entry.js';
import { calledCreated, createdName, type CreatedName } from './command-name.js';
import { CreatedObjects, noSuchObject, type SavedObject } from './created-objects.js';
import type { LoadedClass } from './loaded-class.js';
import { CANCELLED_NAME } from './block.js';
import { BlockReader, type BlockHeader } from './block-reader.js';
import { ChangeRecorder } from './changes/change-recorder.js';
import { enterCommand, leaveCommand } from './command-context.js';
import type { MachineWitness } from './machine-witness.js';
import { codeVersionMaxOf, type LoadedObject } from './object-definition.js';
import { ALL_OBJECTS, machineOf, machineOfCommand, type MachinePart } from './object-places.js';
import { ResultCollector, thrownByCommand, type ResultBlock } from './results.js';
import { readNumberedLists } from './scalar-list.js';
import { readLife } from './session-entry.js';
import { SessionTable, type SavedSession, type Verdict } from './session-table.js';
import { StateWatch } from './state/state-watch.js';
import type { ValueCodec } from './value-codec.js';
import { codeTooOld, unknownCommand } from './version-unsupported.js';

export interface MachineOptions {
  /** Those of the options that are here. */
  readonly objects: readonly LoadedObject[];
  /** Those that objects are created of at run time. */
  readonly classes: readonly LoadedClass[];
  /** Which objects are here; the commands of others are skipped. Default: all. */
  readonly part?: MachinePart;
  /** The highest code version that the node has. Default: that of the objects and classes given. */
  readonly codeVersionMax?: number;
  /** Blocks of the session that was opened in this life are answered. Null: nobody is answered. */
  readonly life: Life | null;
  readonly sessionsMax: number;
  readonly codec: ValueCodec;
  readonly witness?: MachineWitness;
}

/** What has happened to this node's own session since the last look. */
export interface OwnSession {
  /** The session that this incarnation has opened, or null: not yet, or it was evicted. */
  session: SessionId | null;
  /** The sequence number that the session's next block must have. */
  nextSeq: number;
  /** A block was skipped because one before it is missing. */
  gap: boolean;
  /** This session was evicted, as a block of it that was refused has shown, or the one that was opened in its place. */
  expired: SessionId | null;
}

/** What a machine is besides its objects. */
export interface MachineState {
  readonly lastIncluded: LastIncluded;
  /** Who the members are: what the last entry that said so holds; null: there was none. */
  readonly configuration: Uint8Array | null;
  /** The version of the objects' code that is in force. */
  readonly codeVersion: number;
  readonly sessions: readonly SavedSession[];
}

type Method = (...args: unknown[]) => unknown;

/** A method bound to its object. */
interface Binding {
  /** `object.method`, as blocks call it. */
  readonly name: string;
  readonly watch: StateWatch;
  readonly changes: ChangeRecorder;
  readonly instance: object;
  /** What it does at the code version in force; null: there is nothing of this name yet. */
  method: Method | null;
  /** From the oldest to the newest. */
  readonly versions: readonly { readonly version: number; readonly method: Method }[];
  readonly kind: 'replicated' | 'query';
  /** Is it an object's own? Otherwise what it throws is an error of ours, and nothing has changed then. */
  readonly isUsers: boolean;
}

/**
 * What a name in a block stands for: null is one that this node does not know, `elsewhere` another machine's concern.
 */
type Bound = Binding | null | 'elsewhere';

export class Machine {
  readonly own: OwnSession = { session: null, nextSeq: 1, gap: false, expired: null };
  /** The highest code version that this node's objects have. */
  readonly codeVersionMax: number;
  readonly part: MachinePart;
  readonly #allObjects: readonly LoadedObject[];
  /** Those that there are at the code version in force. */
  #objects: readonly LoadedObject[] = [];
  /** Which of the objects' methods a command runs goes by this. Never goes down. */
  #codeVersion = 0;
  /** The index of the last entry applied. Never goes down. */
  appliedIndex = 0;
  /** Commands that were run, and those of them that threw. */
  commandsApplied = 0;
  commandsThrew = 0;
  #appliedTerm = term(0);
  #appliedTimestampMs = 0;
  /** What the last entry applied that says who the members are holds. */
  #configuration: Uint8Array | null = null;
  readonly #life: Life | null;
  /** By name; of created objects, those that have been called. */
  readonly #bindings = new Map<string, Binding>();
  readonly #created: CreatedObjects;
  /** What the command that is running has come upon: the node must not go on. */
  #fatal: ConclaveError | null = null;
  readonly #changes = new Map<string, ChangeRecorder>();
  readonly #sessions: SessionTable;
  readonly #codec: ValueCodec;
  readonly #witness: MachineWitness | undefined;
  readonly #reader = new EntryReader();
  readonly #blocks = new BlockReader();
  /** The last table of names, and the methods that it names. */
  #boundNames: readonly string[] = [];
  #bound: readonly Bound[] = [];
  /** Does any of them concern this machine? */
  #isConcerned = false;
  #boundKind: Binding['kind'] = 'replicated';
  readonly #collector: ResultCollector;
  /** Where among the names of a block the objects are that are looked at next, where not all can be. */
  #nextChecked = 0;

  constructor(options: MachineOptions) {
    this.#life = options.life;
    this.#allObjects = options.objects;
    this.part = options.part ?? ALL_OBJECTS;
    this.codeVersionMax = options.codeVersionMax ?? codeVersionMaxOf([...options.objects, ...options.classes]);
    this.#created = new CreatedObjects(options.classes, options.codec, (name) => this.isHere(calledCreated(name)));
    this.#codec = options.codec;
    this.#witness = options.witness;
    this.#sessions = new SessionTable(options.sessionsMax);
    this.#collector = new ResultCollector(options.codec);
    for (const object of options.objects) {
      const { name: objectName, instance, methods } = object;
      const watch = new StateWatch(object);
      const changes = new ChangeRecorder(objectName, options.codec);
      this.#changes.set(objectName, changes);
      for (const [called, kind] of methods) {
        const name = `${objectName}.${called}`;
        const versions = versionsOf(object, called);
        this.#bindings.set(name, { name, watch, changes, instance, method: null, versions, kind, isUsers: true });
      }
    }
    this.#bindOwn('.create', (...args) => this.#create(args));
    this.#bindOwn('.drop', (...args) => this.#drop(args));
    this.#bringIntoForce(0);
  }

  /** Is this machine in charge of what is called so? See {@link machineOf}. */
  isHere(called: string): boolean {
    return machineOf(called, this.part.places) === this.part.machine;
  }

  /** What changes in an object, called as in the names of its methods; undefined: there is none. */
  changesOf(object: string): ChangeRecorder | undefined {
    return this.#changes.get(object);
  }

  /** The objects of the options that are here, also those of a later code version: queries may look at them. */
  get allObjects(): readonly LoadedObject[] {
    return this.#allObjects;
  }

  /** The objects of the options that there are. */
  get objects(): readonly LoadedObject[] {
    return this.#objects;
  }

  /** Those that were created at run time and are here, in the order of their creation. */
  get created(): readonly LoadedObject[] {
    return this.#created.live;
  }

  saveCreated(): SavedObject[] {
    return this.#created.save();
  }

  /** Makes objects that another machine has saved, for their states to be restored. */
  restoreCreated(saved: readonly SavedObject[]): void {
    this.#created.restore(saved);
    for (const [object, className] of saved) this.#recordCreated({ object, class: className });
  }

  get codeVersion(): number {
    return this.#codeVersion;
  }

  /**
   * Applies committed entries in order, and adds the results of own commands to `results`.
   *
   * @throws ConclaveError `ERR_VERSION_UNSUPPORTED` at what this node's code is too old for; the machine must not be
   *   used then.
   */
  apply(entries: Uint8Array, results: ResultBlock[]): void {
    const reader = this.#reader;
    const view = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
    reader.reset(entries);
    while (reader.next()) {
      assert(reader.index === this.appliedIndex + 1, 'entries are applied in order, each once');
      let verdict: Verdict | null = null;
      if (reader.kind === EntryKind.block) {
        verdict = this.#applyBlock(entries, view, results);
      } else if (reader.kind === EntryKind.session) {
        this.#openSession(entries);
      } else if (reader.kind === EntryKind.configuration) {
        this.#configuration = entries.slice(reader.payloadStart, reader.payloadEnd);
      } else if (reader.kind === EntryKind.codeVersion) {
        const version = readCodeVersion(entries.subarray(reader.payloadStart, reader.payloadEnd));
        if (version !== null && version > this.#codeVersion) this.#bringIntoForce(version);
      }
      this.appliedIndex = reader.index;
      this.#appliedTerm = reader.term;
      this.#appliedTimestampMs = reader.timestampMs;
      this.#witness?.applied(this, verdict);
    }
  }

  /** Everything but the objects, as of the last entry applied. */
  save(): MachineState {
    const lastIncluded = {
      index: logIndex(this.appliedIndex),
      term: this.#appliedTerm,
      timestampMs: this.#appliedTimestampMs,
    };
    const configuration = this.#configuration;
    return { lastIncluded, configuration, codeVersion: this.#codeVersion, sessions: this.#sessions.save() };
  }

  /**
   * Brings a code version into force, before objects are restored that were saved at it.
   *
   * @throws ConclaveError `ERR_VERSION_UNSUPPORTED` when this node's code is too old for it.
   */
  beginAt(codeVersion: number): void {
    assert(this.appliedIndex === 0, 'only a machine that has applied nothing is restored');
    this.#bringIntoForce(codeVersion);
  }

  /** Takes over what another machine has saved, before anything is applied; the objects have been restored already. */
  restore({ lastIncluded, configuration, codeVersion, sessions }: MachineState): void {
    assert(this.appliedIndex === 0, 'only a machine that has applied nothing is restored');
    assert(this.#codeVersion === codeVersion, 'objects are restored by the code that has saved them');
    this.appliedIndex = lastIncluded.index;
    this.#appliedTerm = lastIncluded.term;
    this.#appliedTimestampMs = lastIncluded.timestampMs;
    this.#configuration = configuration;
    this.#sessions.restore(sessions);
    this.#takeOwnSession();
    this.#witness?.restored(this);
  }

  #bringIntoForce(codeVersion: number): void {
    if (codeVersion > this.codeVersionMax) throw codeTooOld(codeVersion, this.codeVersionMax);
    this.#codeVersion = codeVersion;
    this.#objects = this.#allObjects.filter(({ since }) => since <= codeVersion);
    for (const binding of this.#bindings.values()) binding.method = methodAt(binding.versions, codeVersion);
  }

  /** A command of the machine's own. */
  #bindOwn(name: string, run: Method): void {
    const method = this.part.places.size === 0 ? run : this.#doneByAll(name, run);
    const nothing = noObject(name);
    const { instance } = nothing;
    const watch = new StateWatch(nothing);
    const versions = [{ version: 0, method }];
    const changes = new ChangeRecorder(name, this.#codec);
    const kind = 'replicated';
    this.#bindings.set(name, { name, watch, changes, instance, method, versions, kind, isUsers: false });
  }

  /** All machines do it; that of the object that it is about counts it, and answers. */
  #doneByAll(name: string, run: Method): Method {
    return (...args) => {
      if (machineOfCommand(name, args, this.part.places) === this.part.machine) return run(...args);
      this.commandsApplied--;
      try {
        run(...args);
      } catch (error) {
        if (this.#fatal !== null) throw error;
      }
      return undefined;
    };
  }

  #create([name, className, args]: readonly unknown[]): void {
    // Constructors have none: objects of the options are made without a command.
    leaveCommand();
    if (!this.#created.knows(className, this.#codeVersion)) {
      this.#fatal = unknownCommand(`create of the class ${String(className)}`, this.#codeVersion, this.#reader.index);
      throw this.#fatal;
    }
    this.#created.create(name as string, className, args as readonly unknown[]);
    this.#recordCreated({ object: name as string, class: className });
    this.#bind();
  }

  #recordCreated(name: CreatedName): void {
    const called = calledCreated(name);
    if (!this.isHere(called)) return;
    this.#changes.set(called, new ChangeRecorder(called, this.#codec));
  }

  #drop([name]: readonly unknown[]): void {
    const { class: loadedClass } = this.#created.drop(name as string);
    const dropped = { object: name as string, class: loadedClass.name };
    const called = calledCreated(dropped);
    if (!this.isHere(called)) return;
    this.#changes.get(called)!.drop(noSuchObject(dropped));
    this.#changes.delete(called);
    for (const method of loadedClass.methods.keys()) this.#bindings.delete(`${called}.${method}`);
    this.#bind();
  }

  /** Looks up the names of the block under way. */
  #bind(): void {
    this.#bound = this.#boundNames.map((name) => this.#bindings.get(name) ?? this.#bindOther(name));
    if (this.part.places.size === 0) {
      this.#isConcerned = true;
      return;
    }
    // The empty name stands for none.
    this.#isConcerned = this.#boundNames.some((name) => name !== '' && (this.#bindings.has(name) || this.isHere(name)));
  }

  /** Is a block of this node's own for this machine to answer? Such a block calls the objects of one machine. */
  #isAnswering(names: readonly string[], commands: readonly unknown[] | null): boolean {
    const { machine, places } = this.part;
    if (places.size === 0 || commands === null) return true;
    for (let at = 0; at < commands.length; at += 2) {
      const name = names[commands[at] as number];
      if (name !== undefined && name !== '') return machineOfCommand(name, commands[at + 1], places) === machine;
    }
    // All have been cancelled: nobody waits but the lane that the block came from, which is the only one to know it.
    return true;
  }

  #bindOther(name: string): Bound {
    return this.isHere(name) ? this.#bindCreated(name) : 'elsewhere';
  }

  #bindCreated(name: string): Binding | null {
    const called = createdName(name);
    if (called === null) return null;
    const object = this.#created.get(called);
    if (object === undefined) return missing(name, called, this.#boundKind, this.#codec);
    assert(object.live !== null, 'what is called here lives here');
    const { loaded, watch } = object.live;
    const kind = loaded.methods.get(called.method);
    if (kind === undefined) return null;
    const versions = versionsOf(loaded, called.method);
    const method = methodAt(versions, this.#codeVersion);
    const changes = this.#changes.get(calledCreated(called))!;
    const { instance } = loaded;
    const binding: Binding = { name, watch, changes, instance, method, versions, kind, isUsers: true };
    this.#bindings.set(name, binding);
    return binding;
  }

  #takeOwnSession(): void {
    const own = this.#life === null ? null : this.#sessions.openedBy(this.#life);
    this.own.session = own?.session ?? null;
    this.own.nextSeq = own?.nextSeq ?? 1;
  }

  /** Runs a block of queries against the state as it is. */
  query(block: ArrayBuffer): ResultBlock {
    const bytes = new Uint8Array(block);
    const header = this.#blocks.read(new DataView(block), 0, block.byteLength);
    assert(header !== null, 'queries come from this node');
    this.#look(header.names, 'query');
    this.#collector.begin(header.count);
    this.#run(this.#decodeCommands(bytes, header, block.byteLength), header, 'query', this.#collector);
    return this.#collector.end(header.session, header.firstSeq);
  }

  #openSession(entries: Uint8Array): void {
    const { index, payloadStart, payloadEnd } = this.#reader;
    const session = sessionId(index);
    const life = readLife(entries.subarray(payloadStart, payloadEnd));
    this.#sessions.open(session, life);
    if (life !== this.#life) return;
    const before = this.own.session;
    this.#takeOwnSession();
    // It was evicted, and another machine of the node has known first: that one's snapshot does not have it, for
    // instance.
    if (before !== null && before !== this.own.session) this.own.expired = before;
  }

  /** Returns what became of it; null: it is no block at all. */
  #applyBlock(entries: Uint8Array, view: DataView, results: ResultBlock[]): Verdict | null {
    const { payloadStart, payloadEnd } = this.#reader;
    const header = this.#blocks.read(view, payloadStart, payloadEnd);
    if (header === null) return null;
    const { session } = header;
    const verdict = this.#sessions.admit(session, header.firstSeq, header.count);
    const isOwn = session === this.own.session;
    if (verdict === 'apply') {
      if (isOwn) this.own.nextSeq = header.firstSeq + header.count;
      this.#look(header.names, 'replicated');
      if (!this.#isConcerned) return verdict;
      this.commandsApplied += header.count;
      const commands = this.#decodeCommands(entries, header, payloadEnd);
      if (isOwn && this.#isAnswering(header.names, commands)) {
        this.#collector.begin(header.count);
        this.#run(commands, header, 'replicated', this.#collector);
        results.push(this.#collector.end(session, header.firstSeq));
      } else {
        this.#run(commands, header, 'replicated', null);
      }
    } else if (isOwn && verdict === 'gap') {
      this.own.gap = true;
    } else if (isOwn && verdict === 'unknown session') {
      this.own.expired = session;
      this.own.session = null;
    }
    return verdict;
  }

  /** Looks up the names of a block, unless they are those of the last one. */
  #look(names: readonly string[], kind: Binding['kind']): void {
    if (names === this.#boundNames && kind === this.#boundKind) return;
    this.#boundNames = names;
    this.#boundKind = kind;
    this.#bind();
  }

  /** Null when the bytes are no commands. Every replica finds the same, and none runs any of them. */
  #decodeCommands(bytes: Uint8Array, header: BlockHeader, end: number): unknown[] | null {
    const lists = readNumberedLists(bytes, header.commandsOffset, end, 2 * header.count);
    if (lists !== null) return lists;
    try {
      const commands = this.#codec.decodeRange(bytes, header.commandsOffset, end);
      return Array.isArray(commands) && commands.length === 2 * header.count ? commands : null;
    } catch {
      return null;
    }
  }

  #run(
    commands: readonly unknown[] | null,
    header: BlockHeader,
    kind: Binding['kind'],
    collector: ResultCollector | null,
  ): void {
    if (commands === null) {
      if (collector !== null)
        for (let position = 0; position < header.count; position++) collector.fail(position, MALFORMED, UNNAMED);
      return;
    }
    const { index, timestampMs } = this.#reader;
    const isCommand = kind === 'replicated';
    for (let position = 0; position < header.count; position++) {
      const name = commands[2 * position] as number;
      if (name === CANCELLED_NAME) {
        if (isCommand) this.commandsApplied--;
        collector?.set(position, undefined, UNNAMED);
        continue;
      }
      const binding = this.#bound[name];
      if (binding === undefined) {
        collector?.fail(position, MALFORMED, UNNAMED);
        continue;
      }
      if (binding === 'elsewhere') {
        assert(isCommand, 'queries come to the machine of their object');
        this.commandsApplied--;
        continue;
      }
      const method = binding?.kind === kind ? binding.method : null;
      if (binding === null || method === null) {
        // Others may have done it: this node must not go on as though nobody had.
        if (isCommand) throw unknownCommand(header.names[name]!, this.#codeVersion, index);
        collector?.fail(position, unknownMethod(header.names[name]!), header.names[name]!);
        continue;
      }
      const args = commands[2 * position + 1];
      if (!Array.isArray(args)) {
        collector?.fail(position, MALFORMED, binding.name);
        continue;
      }
      if (isCommand) enterCommand(index, position, timestampMs, binding.instance, binding.changes);
      try {
        // The first three are what most commands are, and cost less.
        const result =
          args.length === 1
            ? method.call(binding.instance, args[0])
            : args.length === 2
              ? method.call(binding.instance, args[0], args[1])
              : args.length === 0
                ? method.call(binding.instance)
                : method.apply(binding.instance, args);
        if (collector !== null) {
          if (isThenable(result)) collector.fail(position, asyncCommand(binding.name, result), binding.name);
          else collector.set(position, result, binding.name);
        } else if (isThenable(result)) ignoreRejection(result);
      } catch (thrown) {
        if (this.#fatal !== null) throw this.#fatal;
        if (isCommand) {
          this.commandsThrew++;
          binding.changes.takeBack(index, position);
        }
        const isUsers = collector !== null && isCommand && binding.isUsers;
        const error = isUsers ? thrownByCommand(thrown, binding.name) : thrown;
        collector?.fail(position, toPlainError(error), binding.name);
      }
    }
    if (!isCommand) return;
    leaveCommand();
    if (collector !== null) this.#check(commands, header, collector);
  }

  /** Looks for what no snapshot can hold, while it is still known who has put it there. */
  #check(commands: readonly unknown[], { count, names }: BlockHeader, collector: ResultCollector): void {
    const bound = this.#bound;
    const budget = Math.max(CHECKED_VALUES_MIN, CHECKED_VALUES_PER_COMMAND * count);
    const checked = new Set<StateWatch>();
    // Where a block has called many objects, some of them, and others the next time.
    const first = this.#nextChecked % bound.length;
    for (let i = 0; i < bound.length && checked.size < CHECKED_OBJECTS_MAX; i++) {
      const watch = watchOf(bound[(first + i) % bound.length]);
      this.#nextChecked = first + i + 1;
      if (watch === undefined || checked.has(watch)) continue;
      checked.add(watch);
      const error = watch.check(budget);
      if (error === null) continue;
      const position = this.#lastCallOf(watch, commands);
      if (position < 0) continue;
      collector.blame(position, toPlainError(leftBehind(error)), names[commands[2 * position] as number]!);
    }
  }

  /** Where the last command that was run on an object is in its block; -1: none was. */
  #lastCallOf(watch: StateWatch, commands: readonly unknown[]): number {
    for (let at = commands.length - 2; at >= 0; at -= 2) {
      if (watchOf(this.#bound[commands[at] as number]) === watch && Array.isArray(commands[at + 1])) return at / 2;
    }
    return -1;
  }
}

/** What looks at the state of the object; undefined: it is not here. */
function watchOf(bound: Bound | undefined): StateWatch | undefined {
  return bound === 'elsewhere' ? undefined : bound?.watch;
}

/** A large state is looked through in turn: the command that is told of it need not be the one to blame. */
function leftBehind({ code, message, data }: ConclaveError): ConclaveError {
  const text = `${message} This command was applied; it, or one before it, has left that behind. Remove it by a command.`;
  return new ConclaveError(code, text, { data });
}

/** What a method name stands for, from the oldest version to the newest. */
function versionsOf({ prototype, commands }: LoadedObject, called: string): Binding['versions'] {
  return (commands.get(called) ?? [{ version: 0, method: called }]).map(({ version, method }) => {
    // Of the class: what is called for the first time may have got a field of this name on its way.
    return { version, method: (prototype as Record<string, Method>)[method]! };
  });
}

function methodAt(versions: Binding['versions'], codeVersion: number): Method | null {
  return versions.findLast(({ version }) => version <= codeVersion)?.method ?? null;
}

/** Stands where there is no object. */
function noObject(name: string): LoadedObject {
  const prototype = Object.prototype;
  return { name, instance: {}, prototype, madeFields: [], methods: new Map(), commands: new Map(), since: 0 };
}

/** What is called of an object that there is not. */
function missing(name: string, called: CreatedName, kind: Binding['kind'], codec: ValueCodec): Binding {
  const method = (): never => {
    throw noSuchObject({ object: called.object, class: called.class });
  };
  const nothing = noObject(name);
  const { instance } = nothing;
  const watch = new StateWatch(nothing);
  const changes = new ChangeRecorder(name, codec);
  return { name, watch, changes, instance, method, versions: [{ version: 0, method }], kind, isUsers: false };
}

/** How much of an object's state is looked at after a block: small states wholly, large ones in turn. */
const CHECKED_VALUES_MIN = 256;
const CHECKED_VALUES_PER_COMMAND = 4;
/** How many of the objects that a block has called. */
const CHECKED_OBJECTS_MAX = 16;

/** Stands for the name of a method where none was called. */
const UNNAMED = '(unnamed)';

const MALFORMED: PlainError = toPlainError(
  new ConclaveError('ERR_PROTOCOL', 'The block that carried the command cannot be decoded; no replica has run it.', {
    mayBeApplied: false,
  }),
);

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** A promise nobody waits for must not end the thread when it rejects. */
function ignoreRejection(promise: PromiseLike<unknown>): void {
  promise.then(undefined, () => undefined);
}

function asyncCommand(name: string, promise: PromiseLike<unknown>): PlainError {
  ignoreRejection(promise);
  return toPlainError(
    new ConclaveError(
      'ERR_ASYNC_COMMAND',
      `${name} returned a promise. What it does after its first await would happen at different times on different ` +
        'nodes: make the method synchronous, and do the waiting before you call it.',
      { data: { method: name } },
    ),
  );
}

function unknownMethod(name: string): PlainError {
  return toPlainError(
    new ConclaveError('ERR_UNKNOWN_METHOD', `No object here has a query ${name}.`, { data: { method: name } }),
  );
}
