/**
 * What `Runtime.start` is given, and what becomes of it: with every default filled in, every check passed. Types only.
 */

import type { NodeId } from '../ids.js';
import type { CreatableClasses, ObjectDefinitions } from '../actors/replicated/object-definition.js';
import type { Logger } from '../runtime/logger.js';
import type { CheckedPlacement } from './check-placement.js';
import type { UserLogger } from './node-logger.js';

/** Bounds on what a node keeps and sends. Past each comes a typed error or back-pressure, never unbounded memory. */
export interface RuntimeLimits {
  /**
   * Commands, and as many queries of each consistency, that may wait at once for each thread of objects. Default:
   * 100,000.
   */
  readonly pendingCommands?: number;
  /**
   * Encoded bytes of the commands, and as many of the queries of each consistency, that may wait at once for each
   * thread of objects. Default: 256 MiB.
   */
  readonly pendingBytes?: number;
  /** Encoded size of one command's arguments in bytes. The same on every node. Default: 8 MiB. */
  readonly commandBytes?: number;
  /**
   * Bytes of this node's own commands that may be on their way to the leader or in its log unapplied. Default: 16 MiB.
   */
  readonly submissionBytes?: number;
  /** Bytes of entries on their way to one peer and not acknowledged. Default: 16 MiB. */
  readonly inflightBytes?: number;
  /**
   * The size of one file of the log in `dataDir`, written in advance. Default: 64 MiB. The first file of a start has 4
   * MiB, each next one twice as much, up to this; one more is made ready while the last one fills.
   */
  readonly segmentBytes?: number;
}

/**
 * When a snapshot takes the place of the log before it. All bounds count from the last snapshot on; the first that is
 * reached decides. Nodes are kept apart by where they stand in the list of members, so that never all of them compact
 * at once: with three nodes and 64 MiB, the first snapshots are taken after 64, 85 and 107 MiB, and the later ones
 * follow every 64 MiB.
 */
export interface SnapshotOptions {
  /** Entries of the log: blocks of commands, not commands. Default: 1,000,000. */
  readonly entries?: number;
  /**
   * Bytes of the log, or the size of the last snapshot (at most half the state), whichever is more. Default: 64 MiB.
   */
  readonly bytes?: number;
  /** Milliseconds, where there is anything new. Default: no such bound. */
  readonly intervalMs?: number;
  /**
   * Compare what the log says with the live objects each time, and report the first object that differs: a command of
   * its is not deterministic. Takes the objects' thread for as long as it takes to hash them. Default: false.
   */
  readonly verify?: boolean;
}

/** How a node is started. */
export interface RuntimeOptions<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  /**
   * This node's own address, `host:port` or `[v6]:port`, as the peers write it. Null: an observer, which follows the
   * log, takes calls like any node, and never votes; the members need not know of it.
   */
  readonly self: string | null;
  /**
   * The addresses of all other members that the cluster is founded with, each as that node writes its own. Empty: a
   * cluster of one, of at most 15. Once there is a cluster, its members are what it says itself (`runtime.members`),
   * and this is only compared.
   */
  readonly peers: readonly string[];
  /**
   * This node founds no cluster: it waits until it is named by `members.add` of any node of one, or by its own. `peers`
   * are members to be connected to at first then, one of which is enough; without any, the leader connects to it when
   * it is added. Of no matter once it belongs to a cluster, as `peers` is; one that was removed waits to be added
   * again, rather than stop. Default: false.
   */
  readonly join?: boolean;
  /** The replicated objects by name, the same on every node: classes, or `object(Class, ...args)`. */
  readonly objects: Definitions;
  /**
   * The classes that objects can be created of at run time (`runtime.create`), by a name for each, the same on every
   * node; `since(version, Class)` for those that there are from a code version on. Default: none.
   */
  readonly classes?: CreatableClasses;
  /** A name that all nodes of the cluster share; nodes with another one are refused. Default: `conclave`. */
  readonly cluster?: string;
  /** Where to listen, when that is not `self`: `0.0.0.0:4321` in a container, for instance. */
  readonly bind?: string;
  /** Worker threads for consensus and objects (default), or `false`: everything on the caller's event loop. */
  readonly threads?: boolean;
  /**
   * Objects that are to be on threads of their own, by name: `{ reports: 'heavy', history: 'heavy' }` has these two
   * share a thread, which is called `heavy`, and all others another one. So an object whose commands are slow, or whose
   * state is large, does not keep the others waiting. Objects that are created at run time are placed by their names,
   * too. A matter of this node alone: others may place theirs otherwise. At most 16 threads, each of which is sent all
   * of the log. Commands that are made without awaiting one another keep their order on one thread only. Default: all
   * objects share one thread.
   */
  readonly placement?: Readonly<Record<string, string>>;
  /**
   * With `threads: false`: the node takes its turns on the event loop by itself (default), or, `false`, only when
   * `tick()` is called, by an application with a loop of its own; see `runtime.tick`.
   */
  readonly autoTick?: boolean;
  /**
   * A follower that has not heard from a leader for a time drawn from this range, in milliseconds, asks for votes.
   * Default: [400, 800]. With [400, 800], a cluster has a new leader about 0.5 s after the old one died.
   */
  readonly electionTimeoutMs?: readonly [min: number, max: number];
  /**
   * How often a leader shows that it lives, in milliseconds; at most a third of the shortest election timeout. Default:
   * 50.
   */
  readonly heartbeatMs?: number;
  /** How long a call waits unless it says otherwise, in milliseconds. Default: 10,000. */
  readonly callTimeoutMs?: number;
  /**
   * `false`: commands and queries, but for `local` ones, are refused at once with `ERR_NO_LEADER` while this node knows
   * no leader, instead of waiting for one as long as they may. A call that was made before the leader was lost waits
   * all the same. Default: true.
   */
  readonly waitForLeader?: boolean;
  readonly limits?: RuntimeLimits;
  /**
   * Where log and snapshots are kept: a directory of this node's own, created if it is missing. With it, what was
   * acknowledged survives crashes and loss of power. Omitted: they are in memory, and a node that stops has forgotten
   * all.
   */
  readonly dataDir?: string;
  /**
   * Wait for the disk before anything is acknowledged (default). False: the operating system writes when it likes; a
   * process that dies loses nothing, a machine that loses power may lose what was acknowledged.
   */
  readonly fsync?: boolean;
  readonly snapshot?: SnapshotOptions;
  /**
   * As leader, raise the code version by itself as soon as everybody has code of a higher one, instead of waiting for
   * `runtime.setCodeVersion`. There is no way back to older code then. The same on every node. Default: false.
   */
  readonly autoCodeVersion?: boolean;
  /**
   * Where log lines go: a pino logger, or anything of its shape. They say nothing of what is in commands, results and
   * objects. Default: nowhere.
   */
  readonly logger?: UserLogger;
  /** Called once, when the node has caught up with the leader for the first time. */
  readonly onReady?: () => void;
  /**
   * Where the workers' entry file is, for bundlers that move it: the URL of `conclave`'s
   * `runtime/threads/thread-entry.js`.
   */
  readonly workerUrl?: URL;
}

/** {@link SnapshotOptions} with all defaults filled in. */
export interface CheckedSnapshotOptions {
  readonly entries: number;
  readonly bytes: number;
  readonly intervalMs: number | null;
  readonly verify: boolean;
}

/** The options with all defaults filled in. */
export interface CheckedOptions<Definitions extends ObjectDefinitions = ObjectDefinitions> {
  readonly self: NodeId | null;
  readonly peers: readonly NodeId[];
  readonly join: boolean;
  readonly objects: Definitions;
  readonly classes: CreatableClasses;
  readonly placement: CheckedPlacement;
  readonly cluster: string;
  readonly bind: NodeId | null;
  readonly threads: boolean;
  readonly autoTick: boolean;
  readonly electionTimeoutMs: readonly [min: number, max: number];
  readonly heartbeatMs: number;
  readonly callTimeoutMs: number;
  readonly waitForLeader: boolean;
  readonly limits: Required<RuntimeLimits>;
  readonly dataDir: string | null;
  readonly fsync: boolean;
  readonly snapshot: CheckedSnapshotOptions;
  readonly autoCodeVersion: boolean;
  readonly logger: Logger;
  readonly onReady: (() => void) | null;
  readonly workerUrl: URL | null;
}
