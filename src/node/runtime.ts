/**
 * The public face of a node: starts its actors, holds the user's handles, and tells how it fares. On the thread that
 * started it. It only wires things together: consensus, objects and network are actors' business.
 */

import type { Attendant } from '../actors/replicated/attendant.js';
import type { Caller } from '../actors/replicated/caller.js';
import type { CallerMessage, NodeStatus } from '../actors/replicated/caller-messages.js';
import { CreatedHandles } from '../actors/replicated/created-handles.js';
import { HandleFactory } from '../actors/replicated/handle.js';
import {
  codeVersionMaxOf,
  classOf,
  resolveClass,
  resolveDefinition,
  type ObjectDefinitions,
  type ResolvedObject,
} from '../actors/replicated/object-definition.js';
import type { HandlesOf, ObjectsOf, RemoteOf } from '../actors/replicated/remote-of.js';
import { ValueCodec } from '../actors/replicated/value-codec.js';
import type { RaftActorMessage } from '../actors/raft/raft-actor-messages.js';
import type { MembersChange } from '../actors/raft/messages.js';
import { ConclaveError, toPlainError } from '../errors.js';
import { TIMEOUT_MS_MAX } from '../runtime/clock.js';
import { life as asLife, nodeId, type LastIncluded, type LogIndex, type NodeId } from '../ids.js';
import { CODE_VERSION_MAX } from '../actors/replicated/method-mark.js';
import type { ActorRef } from '../runtime/actor.js';
import type { SnapshotEvent } from '../actors/snapshotter/snapshot-event.js';
import type { SnapshotterMessage } from '../actors/snapshotter/snapshotter-messages.js';
import type { DataDir } from '../storage/data-dir.js';
import { spawnAdministration } from './administration.js';
import { Attendants } from './attendants.js';
import { checkOptions } from './check-options.js';
import { objectsByName, unknownObject } from './objects-by-name.js';
import type { CheckedOptions, RuntimeOptions } from './options.js';
import { asFailure, finalErrorIn, isEndOfCallee, stoppedError } from './failure.js';
import { CHANGE_TIMEOUT_MS, Members, type ChangeOptions } from './members.js';
import { checkInteger, checkKnown, checkNumber, invalid } from './option-checks.js';
import { NodeFate } from './node-fate.js';
import { gatherFigures, type NodeFigures } from './node-figures.js';
import { checkKnownObjects } from './known-objects.js';
import { machineHost, type NodeHost } from './node-host.js';
import { nodeParts } from './node-parts.js';
import type { Placement, PlacementEvents } from './placement.js';
import { placementOf } from './placement-of.js';
import { raiseCodeVersion, type CodeVersionPort } from './raise-code-version.js';
import { refuseOwnThread } from './own-thread.js';
import { Readiness } from './readiness.js';
import { healthOf, type Health } from './health.js';
import { Lag } from './lag.js';
import { PACKAGE_VERSION } from './package-version.js';
import { checkListener, RuntimeEmitter, type RuntimeEvents } from './runtime-emitter.js';
import { spawnCaller } from './spawn-caller.js';
import { asStartError } from './start-error.js';
import type { RuntimeStatus } from './status.js';
import { statusOf } from './status-of.js';
import { whenLed } from './when-led.js';
import { notOnThisThread, runsByItself } from './wrong-mode.js';

/** How long leaving the network may take before threads are ended all the same. */
const STOP_TIMEOUT_MS = 5_000;
/** As long as a frame of a user interface has room for. */
const TICK_BUDGET_MS = 10;
const START_TIMEOUT_MS = 30_000;
/** How long a thread may take to exit after its actors have ended. */
const EXIT_TIMEOUT_MS = 1_000;
/** A snapshot of a large state takes long, and another one may be under way. */
const COMPACT_TIMEOUT_MS = 30 * 60_000;

/**
 * One node of a cluster, in this process.
 *
 * @example
 * const runtime = await Runtime.start({
 *   self: 'localhost:4321',
 *   peers: ['localhost:4322', 'localhost:4323'],
 *   objects: { hits: ReplCounter },
 * });
 * await runtime.ready();
 * await runtime.objects.hits.inc();
 * await runtime.stop();
 */
export class Runtime<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  /**
   * A typed handle for each registered object. One that there is not is `ERR_UNKNOWN_OBJECT`, nothing was sent; ask
   * `'name' in runtime.objects` where that is not known.
   */
  readonly objects: HandlesOf<Definitions>;
  /** The members of the cluster, and how to change them. */
  readonly members: Members;
  readonly #options: CheckedOptions<Definitions>;
  readonly #placement: Placement;
  readonly #caller: Caller;
  readonly #callerRef: ActorRef<CallerMessage>;
  readonly #raft: ActorRef<RaftActorMessage>;
  readonly #dataDir: DataDir | null;
  readonly #events = new RuntimeEmitter();
  readonly #fate: NodeFate;
  readonly #attendants: Attendants;
  readonly #codeVersionMax: number;
  readonly #created: CreatedHandles;
  readonly #host: NodeHost;
  readonly #lag = new Lag();
  readonly #readiness: Readiness;
  #nodeStatus: NodeStatus | null = null;
  /** As it was last logged. */
  #health: Health = 'starting';
  #stopping: Promise<void> | null = null;
  #wasRemoved = false;

  private constructor(
    options: CheckedOptions<Definitions>,
    placement: Placement,
    caller: Caller,
    objects: readonly ResolvedObject[],
    classes: readonly ResolvedObject[],
    fate: NodeFate,
    dataDir: DataDir | null,
    host: NodeHost,
  ) {
    this.#dataDir = dataDir;
    this.#host = host;
    this.#options = options;
    this.#placement = placement;
    this.#caller = caller;
    this.#fate = fate;
    this.#readiness = new Readiness(fate);
    this.#callerRef = placement.main.ref(placement.addresses.caller);
    this.#raft = placement.main.ref(placement.addresses.raft);
    this.#attendants = new Attendants({
      timekeeper: placement.main.timekeeper,
      node: options.self ?? 'an observer',
      isRefusing: (member) => host.isRefusing(nodeId(member)),
    });
    const handles = objects.map((object) => [
      object.name,
      this.#attendants.handle(object.name, options.objects[object.name], new HandleFactory(caller, object)),
    ]);
    this.#codeVersionMax = codeVersionMaxOf([...objects, ...classes]);
    const creatable = classes.map((each) => [classOf(options.classes[each.name]!), each] as const);
    this.#created = new CreatedHandles(caller, new Map(creatable));
    this.objects = objectsByName(Object.fromEntries(handles) as HandlesOf<Definitions>);
    this.members = new Members({
      catchUp: (timeoutMs) => this.#catchUp(timeoutMs),
      begin: (change) => this.#beginChange(change),
      status: () => this.#nodeStatus,
      list: () => this.status().members,
      watch: (onStatus, onEnded) => this.#watch(onStatus, onEnded),
      host,
    });
    caller.events.on('status', (status) => this.#onStatus(status));
    caller.events.once('sessionOpened', () => this.#onCaughtUp());
    caller.events.on('codeVersion', (codeVersion) => this.#onCodeVersion(codeVersion));
    caller.events.on('snapshot', (event) => this.#onSnapshot(event));
    fate.on('failure', (error) => this.#onFailure(error));
    fate.on('machineLost', (machine, error) => this.#onMachineLost(machine, error));
    fate.on('machineBack', (machine) => this.#onMachineBack(machine));
    if (options.onReady !== null) this.#events.once('ready', options.onReady);
    // What has become of the objects before somebody listened: queries would be sent to a thread that there is not.
    for (const [machine, error] of fate.lostMachines) this.#onMachineLost(machine, error);
    // What the caller was told before: objects that take long to load may be the last to be there.
    if (caller.codeVersion > 0) this.#onCodeVersion(caller.codeVersion);
    if (caller.status !== null) this.#onStatus(caller.status);
    if (caller.hadSession) this.#onCaughtUp();
  }

  /**
   * Starts a node: loads its objects, listens on its address and connects to its peers. Resolves when it listens; the
   * cluster may still have no leader then (see {@link Runtime.ready}).
   *
   * @throws ConclaveError `ERR_INVALID_OPTION`, `ERR_INVALID_OBJECT`, `ERR_NOT_ENCODABLE` (an object's arguments),
   *   `ERR_OBJECT_FAILED` (an object's constructor ends the thread), `ERR_THREAD_EXITED` (a thread ends while it
   *   starts: `workerUrl` is wrong, for instance) or `ERR_ADDRESS_UNAVAILABLE`; with a `dataDir`,
   *   `ERR_DATA_DIR_LOCKED`, `ERR_DATA_DIR_MISMATCH`, `ERR_STORAGE` or `ERR_STORAGE_CORRUPT`. Nothing is left running.
   */
  static async start<Definitions extends ObjectDefinitions>(
    options: RuntimeOptions<Definitions>,
  ): Promise<Runtime<Definitions>> {
    refuseOwnThread();
    const checked = checkOptions(options);
    const runtime = await Runtime.startOn(checked, await placementOf(checked)).catch((error: unknown) => {
      throw asStartError(error);
    });
    const { main, addresses } = runtime.#placement;
    spawnAdministration(main, addresses.administration, runtime);
    return runtime;
  }

  /**
   * Starts a node on a placement of the caller's choice, and on another host than this machine perhaps; for
   * `conclave/testing`.
   *
   * @internal
   */
  static async startOn<Definitions extends ObjectDefinitions>(
    options: CheckedOptions<Definitions>,
    place: (events: PlacementEvents) => Placement,
    host: NodeHost = machineHost(options),
  ): Promise<Runtime<Definitions>> {
    const codec = new ValueCodec();
    const definitions = Object.entries(options.objects);
    const objects = await Promise.all(
      definitions.map(([name, object]) => resolveDefinition(name, object, codec, host.classes)),
    );
    const classes = await Promise.all(
      Object.entries(options.classes).map(([name, each]) => resolveClass(name, each, codec, host.classes)),
    );
    const fate = new NodeFate();
    const { cluster, self } = options;
    const dataDir = options.dataDir === null ? null : await host.openDataDir(options.dataDir, { cluster, self });
    const placement = place(fate);
    try {
      const remember = dataDir === null ? null : checkKnownObjects(dataDir.disk, dataDir.layout.path, objects, classes);
      await placement.start(nodeParts(placement.addresses, options, objects, classes, dataDir, asLife(host.newLife())));
      const caller = await spawnCaller(placement, fate, options, codec);
      const runtime = new Runtime(options, placement, caller, objects, classes, fate, dataDir, host);
      if (remember !== null) whenLed(caller, remember, fate);
      await runtime.#raft.ask({ type: 'start' }, { timeoutMs: START_TIMEOUT_MS });
      if (fate.failure !== null) throw fate.failure;
      const { peers, threads } = options;
      options.logger.info({ cluster, peers, threads, version: PACKAGE_VERSION }, 'the node has started');
      placement.ticks?.hold();
      host.later(() => runtime.#events.release());
      return runtime;
    } catch (error) {
      await placement.stop();
      await dataDir?.close();
      throw finalErrorIn(error) ?? fate.failure ?? error;
    }
  }

  /**
   * Resolves when the node has caught up with the leader: everything committed before it started has been applied here,
   * and the node counts, also where it has lost its memory and had to be let in again.
   *
   * @throws ConclaveError `ERR_STOPPED` when the runtime stops or fails first, `ERR_ABORTED` by the signal: its message
   *   says what the node waited for; `ERR_INVALID_OPTION` for any other option.
   */
  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkKnown(options, ['signal']);
    const { signal } = options;
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw invalid('signal', signal, 'must be an AbortSignal');
    }
    if (this.#readiness.isReady) return;
    this.#throwIfEnded();
    await this.#readiness.wait(
      signal,
      () => this.status(),
      () => this.#endedError(),
    );
  }

  /** How the node fares, as plain data. At most a few milliseconds old. */
  status(): RuntimeStatus {
    return statusOf({
      options: this.#options,
      reported: this.#nodeStatus,
      caller: this.#caller,
      health: this.#currentHealth(),
      failure: this.#fate.failure,
      hasEnded: this.#fate.hasEnded,
      codeVersionMax: this.#codeVersionMax,
    });
  }

  /**
   * Creates an object on all nodes, of a class that the option `classes` names on each of them. Resolves with the
   * handle to it. The object is there until it is dropped, also after restarts; its name is apart from those of
   * `objects`.
   *
   * @throws ConclaveError `ERR_OBJECT_EXISTS`, `ERR_TOO_MANY_OBJECTS` (there may be 100,000), `ERR_INVALID_OBJECT` for
   *   a class that `classes` does not name or whose constructor throws, `ERR_INVALID_OPTION` for the name,
   *   `ERR_VERSION_UNSUPPORTED` for a class of a later code version, and what a command ends with.
   *
   * @example
   * const room = await runtime.create('room 7', ReplCounter); // with classes: { ReplCounter }
   * await room.inc();
   */
  async create<T extends object, Args extends readonly unknown[]>(
    name: string,
    target: (new (...args: Args) => T) & { readonly module: string },
    ...args: Args
  ): Promise<RemoteOf<T>> {
    await this.#created.create(name, target, args);
    return this.#created.handle(name, target) as RemoteOf<T>;
  }

  /**
   * Drops an object that was created, on all nodes. What is called on it and comes later in the log is refused; who
   * watches it or waits for it is told, by `ERR_NO_SUCH_OBJECT`.
   *
   * @throws ConclaveError `ERR_NO_SUCH_OBJECT`, and what a command ends with.
   */
  async drop(name: string): Promise<void> {
    await this.#created.drop(name);
  }

  /**
   * The handle to an object that was created, on whichever node, and may even be created only later: calls are refused
   * with `ERR_NO_SUCH_OBJECT` (which leaves nothing applied) while there is none of this name and class.
   *
   * @throws ConclaveError `ERR_INVALID_OBJECT` for a class that `classes` does not name, `ERR_INVALID_OPTION` for the
   *   name.
   */
  object<T extends object>(
    name: string,
    target: (new (...args: never[]) => T) & { readonly module: string },
  ): RemoteOf<T> {
    return this.#created.handle(name, target) as RemoteOf<T>;
  }

  /** The version of the objects' code that is in force on this node. Never goes down. */
  get codeVersion(): number {
    return this.#caller.codeVersion;
  }

  /**
   * Everything that there is to count of this node, from all of its threads; for `conclave/metrics`. Never rejects.
   *
   * @internal
   */
  measure(): Promise<NodeFigures> {
    return gatherFigures(this.#placement, this.#caller, this.status(), this.#dataDir !== null, this.#host);
  }

  /**
   * Has the node do what is due: for an application with a loop of its own, which has started it with `threads: false`
   * and `autoTick: false`. All of the node but its sockets and disk runs within ticks, your objects and the listeners
   * of events too; what has arrived in between waits for the next one. Tick at least every `heartbeatMs`, and let the
   * event loop turn in between. A node that is not ticked is one that stands still: others elect another leader after
   * `electionTimeoutMs`, calls wait, and it follows when it goes on. After `stop()` has been called, and from within a
   * tick, it does nothing.
   *
   * @param budgetMs how long it may take, in milliseconds; one turn may exceed that, which is up to 64 messages of one
   *   actor, or up to 8 MiB of commands for your objects. 0: one turn.
   * @returns whether something was left over: then the next tick need not wait
   * @throws ConclaveError `ERR_INVALID_OPTION` when the node runs by itself, or `budgetMs` is no number of 0 or more.
   *
   * @example
   * const runtime = await Runtime.start({
   *   self: 'localhost:4321',
   *   peers: ['localhost:4322', 'localhost:4323'],
   *   objects: { hits: ReplCounter },
   *   threads: false,
   *   autoTick: false,
   * });
   * const loop = setInterval(() => runtime.tick(), 10);
   * await runtime.ready();
   * runtime.local('hits').get(); // the instance itself: to be looked at, never to be changed
   * await runtime.stop();
   * clearInterval(loop);
   */
  tick(budgetMs: number = TICK_BUDGET_MS): boolean {
    checkNumber('budgetMs', budgetMs, 0, TIMEOUT_MS_MAX);
    const { ticks } = this.#placement;
    if (ticks === null) throw runsByItself();
    return this.#isEnded() ? false : ticks.tick(budgetMs);
  }

  /**
   * The live object itself, where it lives on this very thread (`threads: false`): what a `local` query would see,
   * without a promise. Look at it, and never change it: only commands may. Ask for it each time: when the node is given
   * a snapshot, another one takes its place.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION` when the objects have a thread of their own, `ERR_UNKNOWN_OBJECT` when
   *   there is none of that name, `ERR_STOPPED` when the runtime has stopped or failed.
   */
  local<Name extends keyof Definitions & string>(name: Name): ObjectsOf<Definitions>[Name] {
    const { localObjects } = this.#placement;
    if (localObjects === null) throw notOnThisThread(name);
    this.#throwIfEnded('not asked');
    const found = localObjects.get(name);
    if (found === undefined) throw unknownObject(name, Object.keys(this.objects));
    return found as ObjectsOf<Definitions>[Name];
  }

  /**
   * Listens to an event.
   *
   * @throws ConclaveError `ERR_INVALID_OPTION` when there is no such event, or `listener` is no function.
   */
  on<Event extends keyof RuntimeEvents>(event: Event, listener: RuntimeEvents[Event]): this {
    checkListener(event, listener);
    this.#events.on(event, listener as never);
    return this;
  }

  /** Listens to an event once; otherwise as {@link Runtime.on}. */
  once<Event extends keyof RuntimeEvents>(event: Event, listener: RuntimeEvents[Event]): this {
    checkListener(event, listener);
    this.#events.once(event, listener as never);
    return this;
  }

  /** Stops listening; otherwise as {@link Runtime.on}. */
  off<Event extends keyof RuntimeEvents>(event: Event, listener: RuntimeEvents[Event]): this {
    checkListener(event, listener);
    this.#events.off(event, listener as never);
    return this;
  }

  /**
   * What is beside the handles of those objects that have an attendant, by their names; for `conclave/sync`.
   *
   * @internal
   */
  attendants(): ReadonlyMap<string, Attendant> {
    return this.#attendants.byObject;
  }

  /**
   * Resolves when this node has applied everything that was committed before the call; for `conclave/testing`.
   *
   * @internal
   */
  async caughtUp(options: { readonly timeoutMs: number }): Promise<void> {
    await this.#caller.catchUp({ timeoutMs: options.timeoutMs, signal: null });
  }

  /**
   * Has leadership handed to `target`, or to the node that has the most of the log but for the leader; any node may ask
   * for it. Resolves when the other one leads. Commands made meanwhile wait.
   *
   * @throws ConclaveError `ERR_TRANSFER_FAILED` when the target did not take over in time (the leader goes on, unless
   *   the target, which was told to, does so yet), or another node was elected; `ERR_NO_LEADER` when there is none,
   *   `ERR_INVALID_OPTION` when the target is no member, `ERR_STOPPED` when the runtime stops or fails first. After any
   *   but the last it may be tried again.
   */
  async transferLeadership(target?: string): Promise<void> {
    if (target !== undefined && !this.members.list().some(({ id }) => id === target)) {
      throw new ConclaveError('ERR_INVALID_OPTION', `target: ${target} is no member.`, {
        data: { option: 'target', value: target },
      });
    }
    this.#throwIfEnded('not asked');
    const [, electionTimeoutMaxMs] = this.#options.electionTimeoutMs;
    const timeoutMs = STOP_TIMEOUT_MS + 2 * electionTimeoutMaxMs;
    const handOver = { type: 'handOver', target: target === undefined ? null : nodeId(target) } as const;
    await this.#unlessEnded(this.#raft.ask(handOver, { timeoutMs }));
  }

  /**
   * Brings a version of the objects' code into force, everywhere at the same place in the log: from there on commands
   * do what it says. Any node may ask for it. There is no way back. Resolves when it is in force on this node, at once
   * if it is already.
   *
   * @throws ConclaveError `ERR_VERSION_UNSUPPORTED` when a member, or an observer that is connected, is not known to
   *   have code of that version (`data.nodes`; also a member that is away and last had none), `ERR_CHANGE_REFUSED` for
   *   a version below the one in force, `ERR_NO_LEADER` when there was none for all the time, `ERR_CHANGE_UNDER_WAY`
   *   when leadership was changing for all the time: nothing has changed then, unless `mayBeApplied` says that a leader
   *   was asked before and has not answered; `ERR_TIMEOUT` when it may have been begun and is not in force in time,
   *   `ERR_INVALID_OPTION`, `ERR_STOPPED`. It is safe to ask again after each of them.
   */
  async setCodeVersion(version: number, options: ChangeOptions = {}): Promise<void> {
    checkKnown(options, ['timeoutMs']);
    checkInteger('version', version, 0, CODE_VERSION_MAX);
    const timeoutMs = checkNumber('timeoutMs', options.timeoutMs ?? CHANGE_TIMEOUT_MS, 1, TIMEOUT_MS_MAX);
    this.#throwIfEnded('not asked');
    const port: CodeVersionPort = {
      current: () => this.codeVersion,
      begin: (wanted) => this.#beginRaise(wanted),
      status: () => this.#nodeStatus,
      watch: (onNews, onEnded) => this.#watch(onNews, onEnded),
      host: this.#host,
    };
    await raiseCodeVersion(port, version, timeoutMs);
  }

  /**
   * Takes a snapshot of everything that this node has applied, now; the log is kept back to the one before it. Callers
   * need not wait for it, and other nodes take their own. Resolves when it is durable (or, without `dataDir`, whole).
   *
   * @returns the index of the last entry in it
   * @throws ConclaveError `ERR_COMPACTION_FAILED` when it could not be taken (`cause` says why; the log is kept),
   *   `ERR_STOPPED` when the runtime stops or fails first.
   */
  async compact(): Promise<number> {
    this.#throwIfEnded('not asked');
    const { main, addresses } = this.#placement;
    const snapshotter = main.ref<SnapshotterMessage>(addresses.snapshotter);
    const compact = { type: 'compact', index: this.#caller.seenIndex } as const;
    const { index } = await this.#unlessEnded(
      snapshotter.ask<LastIncluded>(compact, { timeoutMs: COMPACT_TIMEOUT_MS }),
    );
    return index;
  }

  /**
   * Leaves the cluster and ends every thread; calls that still wait are rejected with `ERR_STOPPED`. Resolves when the
   * port is free. May be called more than once.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** `await using runtime = await Runtime.start(…)` stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #currentHealth(): Health {
    const { failure, lostMachines } = this.#fate;
    const isStopped = this.#stopping !== null;
    return healthOf({
      isStopped,
      failure,
      areMachinesUp: lostMachines.size === 0,
      status: this.#nodeStatus,
      isReady: this.#readiness.isReady,
      isBehind: this.#lag.isBehind,
    });
  }

  #logHealth(): void {
    const health = this.#currentHealth();
    if (health === this.#health) return;
    this.#options.logger.info({ health, before: this.#health }, 'health changed');
    this.#health = health;
  }

  async #stop(): Promise<void> {
    this.#placement.ticks?.release();
    const isAlone = (): boolean => this.#fate.failure !== null || (this.#nodeStatus?.leader ?? null) === null;
    // Where nobody is to say good-bye, calls are refused from this very moment.
    if (this.#attendants.byObject.size > 0) {
      await this.#attendants.leave(this.#endedError(), isAlone, (onNews) => this.#watch(onNews, onNews));
    }
    const reason = this.#endedError();
    this.#caller.stop(reason);
    this.#attendants.end(reason);
    this.#fate.end();
    try {
      if (this.#fate.failure === null) await this.#raft.ask({ type: 'stop' }, { timeoutMs: STOP_TIMEOUT_MS });
    } catch (error) {
      this.#options.logger.warn({ error }, 'the node did not leave the network cleanly');
    }
    await this.#placement.stop();
    // Of a node that had failed, it was over before it was asked for.
    this.#placement.ticks?.hold();
    await this.#dataDir?.close();
    this.#events.removeAllListeners();
    this.#fate.removeAllListeners();
    this.#logHealth();
  }

  async #beginRaise(version: number): Promise<void> {
    this.#throwIfEnded();
    await this.#unlessEnded(this.#raft.ask({ type: 'setCodeVersion', version }, { timeoutMs: STOP_TIMEOUT_MS }));
  }

  async #catchUp(timeoutMs: number): Promise<LogIndex> {
    this.#throwIfEnded('not asked');
    await this.#caller.catchUp({ timeoutMs, signal: null });
    return this.#caller.seenIndex;
  }

  async #beginChange(change: MembersChange): Promise<LogIndex> {
    this.#throwIfEnded();
    return this.#unlessEnded(this.#raft.ask({ type: 'changeMembers', ...change }, { timeoutMs: STOP_TIMEOUT_MS }));
  }

  /** Neither is called before this has returned, or after the watch was ended. */
  #watch(onStatus: () => void, onEnded: (error: Error) => void): () => void {
    let isWatching = true;
    const onEnd = (): void => {
      if (isWatching) onEnded(this.#endedError());
    };
    this.#fate.on('status', onStatus);
    this.#fate.once('ended', onEnd);
    // Between an answer and whoever goes on with it, a listener may have stopped the node.
    if (this.#fate.hasEnded) queueMicrotask(onEnd);
    return () => {
      isWatching = false;
      this.#fate.off('status', onStatus);
      this.#fate.off('ended', onEnd);
    };
  }

  #onStatus(status: NodeStatus): void {
    const before = this.#nodeStatus;
    this.#nodeStatus = status;
    this.#lag.note(status);
    this.#fate.emit('status');
    // It was on its way: of a node that has failed everything was told.
    if (this.#fate.failure !== null) return;
    this.#attendants.leads(status.role === 'leader' ? status.term : null, unreachedOf(status, this.#options.self));
    if (describeMembers(before) !== describeMembers(status)) this.#events.tell('member', this.status().members);
    if (status.isRemoved) this.#onRemoved();
    if (before?.role !== status.role) this.#events.tell('role', status.role);
    if ((before?.leader ?? null) !== status.leader) this.#events.tell('leader', status.leader);
    if (this.#readiness.admitted(status.isAdmitted)) this.#events.tell('ready');
    this.#logHealth();
  }

  #onCodeVersion(codeVersion: number): void {
    this.#options.logger.info({ codeVersion }, 'a later version of the code is in force');
    this.#fate.emit('status');
    this.#events.tell('version', codeVersion);
  }

  /** The others go on without this node, which has nothing more to do. */
  #onRemoved(): void {
    if (this.#stopping !== null) return;
    this.#options.logger.warn({}, 'this node was removed from the cluster, and stops');
    this.#wasRemoved = true;
    this.stop().catch((error: unknown) => {
      this.#options.logger.error({ error }, 'a removed node did not stop cleanly');
    });
    this.#events.tell('error', this.#endedError());
  }

  #onCaughtUp(): void {
    if (this.#readiness.caughtUp()) this.#events.tell('ready');
    this.#logHealth();
  }

  #onSnapshot(event: SnapshotEvent): void {
    this.#events.tell('snapshot', event);
    if (event.type === 'progress' || event.type === 'receiving') this.#options.logger.trace(event, 'snapshot goes on');
    if (event.type !== 'diverged') return;
    const { object, index } = event;
    this.#events.tell(
      'error',
      new ConclaveError(
        'ERR_DIVERGED',
        `The object ${object} is not what the log says at entry ${index}: one of its commands is not deterministic, or ` +
          'something else than commands has changed it.',
        { data: { object, index } },
      ),
    );
  }

  #onMachineLost(machine: number, error: Error): void {
    const thread = this.#options.placement.threads[machine]!;
    this.#callerRef.tell({ type: 'machineLost', machine, error: toPlainError(error) });
    this.#options.logger.warn({ error, placedOn: thread }, 'a thread of objects has ended, and is being replaced');
    this.#logHealth();
    this.#events.tell('objects', { type: 'failed', thread, error });
    this.#events.tell('error', error);
  }

  #onMachineBack(machine: number): void {
    this.#callerRef.tell({ type: 'machineBack', machine });
    this.#logHealth();
    this.#events.tell('objects', { type: 'restored', thread: this.#options.placement.threads[machine]! });
  }

  /** The node cannot go on: everything that waits is told, and nothing is left running. */
  #onFailure(error: Error): void {
    const reason = asFailure(error);
    this.#caller.stop(reason);
    this.#attendants.end(reason);
    this.#fate.end();
    this.#options.logger.fatal({ error }, 'the node cannot go on, and stops');
    this.#logHealth();
    if (this.#nodeStatus !== null && this.#nodeStatus.role !== 'follower') this.#events.tell('role', 'follower');
    if ((this.#nodeStatus?.leader ?? null) !== null) this.#events.tell('leader', null);
    this.#events.tell('error', finalErrorIn(error) ?? error);
    this.#placement
      .stop()
      .then(() => this.#dataDir?.close())
      .catch((cause: unknown) => {
        this.#options.logger.error({ error: cause }, 'a failed node did not stop cleanly');
      });
  }

  #isEnded(): boolean {
    return this.#fate.failure !== null || this.#stopping !== null;
  }

  /** `not asked`: nobody has been asked for anything by this call, so that nothing can have been done. */
  #throwIfEnded(asked: 'asked' | 'not asked' = 'asked'): void {
    if (!this.#isEnded()) return;
    const error = this.#endedError();
    if (asked === 'asked') throw error;
    const { code, message, data, cause } = error;
    throw new ConclaveError(code, message, { data, cause, mayBeApplied: false, retrySafe: false });
  }

  /** What was asked of an actor: when the node has ended meanwhile, that is why it fails. */
  async #unlessEnded<Answer>(asked: Promise<Answer>): Promise<Answer> {
    try {
      return await asked;
    } catch (error) {
      if (isEndOfCallee(error) && !this.#fate.hasEnded) await this.#ending();
      this.#throwIfEnded();
      throw error;
    }
  }

  /** That its actors have ended is heard of a thread before it has exited, and what for. */
  #ending(): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        unwatch();
        resolve();
      };
      const cancel = this.#host.after(EXIT_TIMEOUT_MS, end);
      const unwatch = this.#watch(() => {}, end);
    });
  }

  #endedError(): ConclaveError {
    const { failure } = this.#fate;
    return failure === null ? stoppedError(this.#wasRemoved) : asFailure(failure);
  }
}

function describeMembers(status: NodeStatus | null): string {
  return (status?.members ?? []).map(({ id, role }) => `${id} ${role}`).join();
}

function unreachedOf({ members, connected }: NodeStatus, self: NodeId | null): NodeId[] {
  return members.map(({ id }) => id).filter((id) => id !== self && !connected.includes(id));
}
