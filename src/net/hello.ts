/**
 * The hello that each side of a connection sends before anything else, the rules by which the other side judges it, and
 * the refusal that says why not. Pure but for reused encoders. Names are claims: whoever must not trust them puts
 * encryption with authentication underneath.
 *
 * A hello is `[magic, cluster, from, incarnation, to, [name, value, …], [version, news, all, …]]`, the settings in the
 * order of their names, then the history of the objects' code, with the version as the frame's code; a refusal is
 * `[reason, message]`. Magic, version and the form of a refusal never change, so that any two versions can say that
 * they do not understand each other.
 */

import { Decoder, Encoder } from '@msgpack/msgpack';
import { ConclaveError } from '../errors.js';
import {
  incarnation as asIncarnation,
  isObserverId,
  nodeId,
  observerId,
  type Incarnation,
  type NodeId,
} from '../ids.js';
import { codeFields, codeHistoryOf, describeConflict, type CodeHistory } from './code-history.js';
import { FrameType, NO_BYTES, type Frame, type FrameSink } from './frame.js';
import { isAddress, NODE_ID_CHARS_MAX } from './address.js';
import { protocolError } from './protocol-error.js';
import { cite, QUOTED_CHARS_MAX, quote } from './quote.js';
import {
  describeDifference,
  SETTING_FIELDS_MAX,
  settingFields,
  SETTINGS_BYTES_MAX,
  settingsOf,
  type Settings,
} from './settings.js';

/** Goes up with every change of what is on the wire. */
export const PROTOCOL_VERSION = 5;

export const MAGIC = 'conclave';

export const CLUSTER_CHARS_MAX = 256;
const REFUSAL_CHARS_MAX = QUOTED_CHARS_MAX;
/** The longest string in UTF-8, where a UTF-16 unit takes three bytes at most. */
const STRING_BYTES_MAX = Math.max(3 * REFUSAL_CHARS_MAX, SETTINGS_BYTES_MAX);

const INCARNATION = /^[0-9a-f]{32}$/;

/** Who sends this, and whom it thinks it is talking to. */
export interface Hello {
  readonly cluster: string;
  readonly from: NodeId;
  /**
   * Names what the sender remembers, its term, votes and log: the same after a restart that forgot nothing, another one
   * after a loss of memory. Any is accepted: whether its votes count is for consensus to say.
   */
  readonly incarnation: Incarnation;
  readonly to: NodeId;
  /** What must be the same on all nodes. */
  readonly settings: Settings;
  /** What the code of its objects can carry out. */
  readonly code: CodeHistory;
}

/** What a node compares hellos with. */
export interface Identity {
  readonly cluster: string;
  readonly self: NodeId;
  readonly incarnation: Incarnation;
  readonly allowObservers: boolean;
  readonly settings: Settings;
  readonly code: CodeHistory;
}

export type RefusalReason =
  /** The other side speaks another version of the protocol. */
  | 'unsupportedVersion'
  /** The other side belongs to another cluster. */
  | 'wrongCluster'
  /** The other side is this very node, or one that goes by its name. */
  | 'selfConnection'
  /** The address that was dialled belongs to another node. */
  | 'wrongRecipient'
  /** The other side goes by a name that no node has, or is an observer where none are allowed. */
  | 'unknownNode'
  /** The other side dialled although it is ours to dial, and we do. */
  | 'wrongDirection'
  /** A setting that must be the same on all nodes is not. */
  | 'differentSettings'
  /** The two would not do the same with the same log: their objects or commands are not the same. */
  | 'differentCode'
  /** The other side goes by another name, but remembers what this node does: one has a copy of the other's memory. */
  | 'sameIncarnation'
  /** The other side was accepted, and then another process of the same name has connected. */
  | 'replaced'
  /** As many observers, and nodes that are no peers, are connected as may be. */
  | 'tooManyObservers'
  /** As many administrators are connected as may be. */
  | 'tooManyAdministrators'
  /** An administrator has sent what is no request. */
  | 'noRequest';

export interface Refusal {
  readonly reason: RefusalReason;
  /** For a person to read in the log of either side. */
  readonly message: string;
}

/** A refusal as it came from the network. */
export interface ReceivedRefusal {
  /** A {@link RefusalReason}, or one that another version has. */
  readonly reason: string;
  readonly message: string;
}

/**
 * Of two nodes one dials: the one whose id is the smaller string. An observer always dials. The other one does too
 * where it is not connected for long: the first may not know of it yet.
 */
export function isDialer(self: NodeId, peer: NodeId): boolean {
  return isObserverId(self) || (!isObserverId(peer) && self < peer);
}

/** @throws ConclaveError `ERR_INVALID_OPTION` when the cluster's name is too long for a hello. */
export function checkClusterName(cluster: string): void {
  if (cluster.length <= CLUSTER_CHARS_MAX) return;
  throw new ConclaveError('ERR_INVALID_OPTION', `cluster: the name is longer than ${CLUSTER_CHARS_MAX} characters.`, {
    data: { option: 'cluster', value: cluster },
  });
}

const encoder = new Encoder();
const decoder = new Decoder({
  keyDecoder: null,
  maxArrayLength: SETTING_FIELDS_MAX,
  maxMapLength: 0,
  maxStrLength: STRING_BYTES_MAX,
  maxBinLength: 0,
  maxExtLength: 0,
});

export function writeHello(hello: Hello, sink: FrameSink): void {
  const { cluster, from, incarnation, to, settings, code } = hello;
  const fields = [MAGIC, cluster, from, incarnation, to, settingFields(settings), codeFields(code)];
  const meta = encoder.encodeSharedRef(fields);
  sink.writeFrame(FrameType.hello, PROTOCOL_VERSION, 0, meta, NO_BYTES);
}

export function writeRefusal(refusal: Refusal, sink: FrameSink): void {
  const meta = encoder.encodeSharedRef([refusal.reason, refusal.message]);
  sink.writeFrame(FrameType.refused, 0, 0, meta, NO_BYTES);
}

/** What the other side says of why it refused us. @throws ConclaveError `ERR_PROTOCOL` */
export function readRefusal(frame: Frame): ReceivedRefusal {
  const [reason, message] = checkStrings(readArray(frame, 2));
  return { reason: reason!, message: message! };
}

/** A received refusal, for the log. */
export function describeRefusal({ reason, message }: ReceivedRefusal): string {
  return `refused by the other side: ${cite(message)} (${quote(reason)})`;
}

/**
 * Reads a hello; a hello of another version is answered by a refusal, for nothing behind its version can be understood.
 *
 * @throws ConclaveError `ERR_PROTOCOL` when it is no hello of this protocol at all.
 */
export function readHello(frame: Frame): Hello | Refusal {
  if (frame.code !== PROTOCOL_VERSION) {
    return {
      reason: 'unsupportedVersion',
      message: `This node speaks version ${PROTOCOL_VERSION} of the protocol, not ${frame.code}.`,
    };
  }
  const values = readArray(frame, 7);
  const code = readCode(values.pop());
  const settings = readSettings(values.pop());
  const [magic, cluster, from, incarnation, to] = checkStrings(values);
  if (magic !== MAGIC) throw protocolError('A hello is not one of this protocol.', {});
  if (cluster!.length > CLUSTER_CHARS_MAX || from!.length > NODE_ID_CHARS_MAX || to!.length > NODE_ID_CHARS_MAX) {
    throw protocolError('A name in a hello is too long.', {});
  }
  if (!INCARNATION.test(incarnation!)) throw protocolError('A hello names no incarnation.', {});
  return {
    cluster: cluster!,
    from: nodeId(from!),
    incarnation: asIncarnation(incarnation!),
    to: nodeId(to!),
    settings,
    code,
  };
}

export function isRefusal(answer: object): answer is Refusal {
  return 'reason' in answer;
}

/**
 * May this node talk to whoever sent `hello`? Null: yes.
 *
 * @param dialled whom this node meant to reach; null when it was the other side that dialled.
 */
export function judgeHello(hello: Hello, identity: Identity, dialled: NodeId | null): Refusal | null {
  return judgeNames(hello, identity, dialled) ?? judgeSettings(hello, identity) ?? judgeCode(hello, identity);
}

function judgeNames(hello: Hello, identity: Identity, dialled: NodeId | null): Refusal | null {
  const { self } = identity;
  const from = quote(hello.from);
  if (hello.cluster !== identity.cluster) return wrongCluster(identity, hello.cluster);
  if (hello.from === self) return refuse('selfConnection', `Both sides of the connection are ${quote(self)}.`);
  if (hello.incarnation === identity.incarnation) {
    return refuse(
      'sameIncarnation',
      `${from} and ${quote(self)} have the same memory. Was a data directory copied? Start one of them without it.`,
    );
  }
  if (hello.to !== self) {
    return wrongRecipient(hello.to, self);
  }
  if (dialled !== null) {
    if (hello.from === dialled) return null;
    return wrongRecipient(dialled, hello.from);
  }
  if (isObserverId(hello.from)) {
    if (identity.allowObservers && hello.from === observerId(hello.incarnation)) return null;
    return refuse('unknownNode', `${quote(self)} takes no observer ${from}.`);
  }
  // Any node of the cluster may: it may have been added, and this node have yet to hear of that.
  return isAddress(hello.from) ? null : refuse('unknownNode', `${from} is no address of a node.`);
}

/** What is told whoever looks for another cluster. */
export function wrongCluster({ cluster, self }: Identity, wanted: string): Refusal {
  return refuse('wrongCluster', `${quote(self)} belongs to cluster ${quote(cluster)}, not ${quote(wanted)}.`);
}

/** Most often one machine goes by two names, `localhost` and `127.0.0.1` for instance. */
function wrongRecipient(wanted: string, found: string): Refusal {
  const message = `${quote(wanted)} was asked for, but this is ${quote(found)}: write its address alike on all nodes.`;
  return refuse('wrongRecipient', message);
}

/** What is told a peer that dials although this node does. */
export function oursToDial(self: NodeId, { from }: Hello): Refusal {
  return refuse('wrongDirection', `It is for ${quote(self)} to dial ${quote(from)}.`);
}

/** What is told a process whose place another one of the same name has taken. */
export function replacedBy({ from, incarnation }: Hello): Refusal {
  return refuse('replaced', `Another process has connected as ${quote(from)}, with incarnation ${incarnation}.`);
}

function judgeSettings(hello: Hello, { self, settings }: Identity): Refusal | null {
  const [here, there] = [quote(self), quote(hello.from)];
  const difference = describeDifference(settings, here, hello.settings, there);
  return difference === null ? null : refuse('differentSettings', difference);
}

function judgeCode(hello: Hello, { self, code }: Identity): Refusal | null {
  const conflict = describeConflict(code, quote(self), hello.code, quote(hello.from));
  return conflict === null ? null : refuse('differentCode', conflict);
}

function refuse(reason: RefusalReason, message: string): Refusal {
  return { reason, message: message.slice(0, REFUSAL_CHARS_MAX) };
}

function readSettings(fields: unknown): Settings {
  const settings = Array.isArray(fields) ? settingsOf(checkStrings(fields)) : null;
  if (settings === null) throw protocolError('The settings of a hello are not names and values.', {});
  return settings;
}

function readCode(fields: unknown): CodeHistory {
  const code = Array.isArray(fields) ? codeHistoryOf(fields) : null;
  if (code === null) throw protocolError('The versions in a hello are malformed.', {});
  return code;
}

function readArray(frame: Frame, length: number): unknown[] {
  let values: unknown;
  try {
    values = decoder.decode(frame.meta);
  } catch (cause) {
    throw protocolError('A hello or refusal cannot be decoded.', {}, cause);
  }
  if (!Array.isArray(values) || values.length !== length || frame.payload.length > 0) {
    throw protocolError('A hello or refusal does not have its fields.', {});
  }
  return values as unknown[];
}

function checkStrings(values: readonly unknown[]): readonly string[] {
  for (const value of values) {
    if (typeof value !== 'string') throw protocolError('A field of a hello or refusal is not a string.', {});
  }
  return values as readonly string[];
}
