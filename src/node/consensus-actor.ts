/**
 * Puts the consensus actor of a node together: core, network and log. Runs on the consensus thread, or inline; this is
 * the one place where the layers meet.
 */

import type { ActorAddress, ActorContext, ActorFactory } from '../runtime/actor.js';
import { isObserverId, type GroupId, type Incarnation, type Life, type NodeId } from '../ids.js';
import { RemoteLogStore } from '../actors/log-store/remote-log-store.js';
import { majorityConfiguration, NOBODY } from '../actors/raft/configuration.js';
import { decodeConfiguration } from '../actors/raft/configuration-entry.js';
import { MemoryLogStore } from '../actors/raft/memory-log-store.js';
import { RaftActor } from '../actors/raft/raft-actor.js';
import type { RaftActorMessage } from '../actors/raft/raft-actor-messages.js';
import type { CoreLimits, Recovered } from '../actors/raft/state.js';
import { RaftLog } from '../actors/raft/raft-log.js';
import type { RaftWitness } from '../actors/raft/raft-witness.js';
import { sessionContent } from '../actors/replicated/session-entry.js';
import { codeVersionMaxOf, type CodeHistory } from '../net/code-history.js';
import type { AdminRequest } from '../net/admin/admin-request.js';
import { TcpTransport } from '../net/tcp-transport.js';
import type { Transport, TransportOptions } from '../net/transport.js';
import { COMMAND_BYTES_MAX } from './command-bytes-max.js';
import { sharedSettings } from './shared-settings.js';
import type { StoredState } from './stored-state.js';

/** What the consensus actor is made from; crosses threads by structured clone. */
export interface ConsensusData {
  readonly cluster: string;
  /** An address, or the id of an observer. */
  readonly self: NodeId;
  readonly peers: readonly NodeId[];
  /** Founds no cluster. */
  readonly join: boolean;
  /** Where to listen; null: nowhere. */
  readonly bind: NodeId | null;
  readonly group: GroupId;
  /** Names what the node remembers. */
  readonly incarnation: Incarnation;
  /** Names the node's session. */
  readonly life: Life;
  readonly electionTimeoutMs: readonly [min: number, max: number];
  readonly heartbeatMs: number;
  readonly limits: { readonly commandBytes: number; readonly submissionBytes: number; readonly inflightBytes: number };
  /** What the code of the objects can carry out. */
  readonly code: CodeHistory;
  readonly autoCodeVersion: boolean;
  /** By their numbers. */
  readonly machines: readonly ActorAddress[];
  readonly caller: ActorAddress;
  readonly snapshotter: ActorAddress;
  /** Null: the log is in memory only. */
  readonly logStore: ActorAddress | null;
  /** Who carries out what administrators ask for. */
  readonly administration: ActorAddress;
  /** What was found on the disk. Null: there is none. */
  readonly recovered: StoredState | null;
}

/**
 * Bytes of one appendEntries, unless a single entry is larger: half of what a frame holds beside its largest command.
 */
const APPEND_BYTES_MAX = 1024 * 1024;
const INFLIGHT_MESSAGES_MAX = 256;
/** Bytes of committed entries on their way to each machine. */
const APPLY_BYTES_MAX = 8 * 1024 * 1024;
/** Room in a frame for everything that is not a command. */
const FRAME_OVERHEAD_BYTES = 2 * 1024 * 1024;

/** What is to be done in time says so itself, and better. */
const ADMIN_GRACE_MS = 500;

/** Makes the consensus actor on a TCP network; the export that a consensus thread spawns by name. */
export const consensusActor: ActorFactory<RaftActorMessage, ConsensusData> = (context, data) =>
  consensusActorOn((options) => tcpTransport(context, data, options))(context, data);

function tcpTransport(
  context: ActorContext<RaftActorMessage>,
  data: ConsensusData,
  options: TransportOptions,
): Transport {
  const { random, logger } = context;
  const administrator = context.ref<AdminRequest>(data.administration);
  const administration = (request: AdminRequest): Promise<unknown> =>
    administrator.ask(request, { timeoutMs: request.timeoutMs + ADMIN_GRACE_MS });
  const { commandBytes, inflightBytes } = data.limits;
  const limits = {
    // The log may be older than the limit of commands, and whoever lacks a part of it must be given that.
    frameBytesMax: COMMAND_BYTES_MAX + FRAME_OVERHEAD_BYTES,
    linkBufferBytesMax: 2 * inflightBytes + commandBytes + FRAME_OVERHEAD_BYTES,
  };
  const bind = data.bind === null ? {} : { bind: data.bind };
  return new TcpTransport({ ...options, ...bind, random, logger, limits, administration });
}

/** What a simulation makes otherwise than a node in production has it. */
export interface ConsensusEnv {
  readonly witness?: RaftWitness;
  readonly limits?: Partial<CoreLimits>;
  readonly applyBytesMax?: number;
}

/** Makes the consensus actor on a network of the caller's choice. */
export function consensusActorOn(
  network: (options: TransportOptions) => Transport,
  { witness, limits: otherLimits, applyBytesMax = APPLY_BYTES_MAX }: ConsensusEnv = {},
): ActorFactory<RaftActorMessage, ConsensusData> {
  return (context, data) => {
    const { cluster, self, peers, join, group, incarnation, life, electionTimeoutMs, heartbeatMs, limits } = data;
    const { logStore, code, autoCodeVersion } = data;
    const recovered = data.recovered === null ? null : coreOf(data.recovered);
    const isNew = join && (recovered === null || recovered.log.lastIndex === 0);
    return new RaftActor(context, {
      core: {
        group,
        self,
        incarnation,
        configuration: join ? NOBODY : majorityConfiguration(isObserverId(self) ? peers : [self, ...peers]),
        electionTimeoutMs,
        heartbeatMs,
        codeVersionMax: codeVersionMaxOf(code),
        autoCodeVersion,
        limits: {
          inflightMessagesMax: INFLIGHT_MESSAGES_MAX,
          inflightBytesMax: limits.inflightBytes,
          appendBytesMax: APPEND_BYTES_MAX,
          submissionBytesInflightMax: limits.submissionBytes,
          ...otherLimits,
        },
      },
      peers,
      ...(recovered === null ? {} : { recovered }),
      snapshot: data.recovered?.snapshot ?? null,
      sessionContent: sessionContent(life),
      transport: network({ cluster, self, incarnation, peers, isNew, settings: sharedSettings(data), code }),
      logStore: logStore === null ? new MemoryLogStore() : new RemoteLogStore(context.ref(logStore), group),
      machines: data.machines,
      caller: data.caller,
      snapshotter: data.snapshotter,
      tickMs: Math.max(1, Math.min(10, heartbeatMs / 2)),
      applyBytesMax,
      ...(witness === undefined ? {} : { witness }),
    });
  };
}

/** The log as the core keeps it. */
function coreOf({ hardState, base, pieces, configuration }: StoredState): Recovered {
  const log = new RaftLog();
  log.resetTo(base);
  for (const piece of pieces) log.appendEncoded(new Uint8Array(piece));
  return { hardState, log, configuration: configuration === null ? null : decodeConfiguration(configuration) };
}
