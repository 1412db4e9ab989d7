/**
 * Everything that a simulation can do to a cluster, each with a rate: how often of all messages, how often in a second
 * of virtual time for each cluster, or how likely at all. Each seed draws its own mix, for what most faults together
 * would show is a cluster that does nothing.
 */

import { ConclaveError } from '../../../errors.js';
import { Dice } from '../dice.js';

interface FaultKind {
  /** What the rate is of: all messages, a second of virtual time, all requests to a thread, or all nodes. */
  readonly of: 'message' | 'second' | 'request' | 'node';
  /** What a seed may draw when the fault is on. */
  readonly rates: readonly number[];
  /** What is counted when it has happened. */
  readonly shows: string;
}

export const FAULTS = {
  /** A message is dropped, and its connection goes on: an overflowing buffer. */
  messageLoss: { of: 'message', rates: [0.01, 0.05, 0.2], shows: 'messages lost' },
  /** A message is lost, and its connection with it: what a network does to TCP. */
  connectionLoss: { of: 'message', rates: [0.002, 0.01, 0.03], shows: 'connections broken by a loss' },
  /** A message is late, and so is what comes behind it on its connection. */
  messageDelay: { of: 'message', rates: [0.01, 0.05, 0.15], shows: 'messages late' },
  /** A message comes twice. No connection does that. */
  messageDuplication: { of: 'message', rates: [0.02, 0.1, 0.25], shows: 'messages duplicated' },
  /** Messages of one connection overtake each other. No connection does that. */
  messageReordering: { of: 'message', rates: [0.02, 0.1, 0.4], shows: 'messages reordered' },
  /** Two parts of the cluster are cut off from each other. */
  partition: { of: 'second', rates: [1, 3], shows: 'partitions' },
  /** Some pairs of nodes are cut off from each other, others are not. */
  partialPartition: { of: 'second', rates: [1, 3], shows: 'partial partitions' },
  /** A node is not heard, or does not hear, and the other way is open. */
  oneWayPartition: { of: 'second', rates: [1, 3], shows: 'one-way partitions' },
  /** The connection of two nodes breaks again and again. */
  flapping: { of: 'second', rates: [2, 6], shows: 'connections broken' },
  /** A leader is cut off while it hands over, so that for a while it does not know that there is another one. */
  usurpation: { of: 'second', rates: [1, 3], shows: 'leaders cut off while they hand over' },
  /** The leader is killed as all come together again: one that was cut off competes, with a log that grew alone. */
  bereavement: { of: 'second', rates: [1, 2], shows: 'leaders killed as partitions end' },
  /** A leader is cut off alone, and does not know that there will be another one. */
  isolation: { of: 'second', rates: [1, 3], shows: 'leaders isolated' },
  /** The same, until the next leader has committed something and taken a snapshot of it. */
  overtaking: { of: 'second', rates: [1, 3], shows: 'leaders overtaken by a snapshot' },
  /** A node is in another region: what it says to those in the first one, or hears of them, takes long, for ever. */
  distance: { of: 'node', rates: [0.5], shows: 'nodes far away' },
  /** The clocks of each node run at a speed and from a beginning of their own. */
  clockDrift: { of: 'node', rates: [1], shows: 'clocks drifting' },
  /** A node stands still for a while. */
  pause: { of: 'second', rates: [1, 3], shows: 'nodes paused' },
  /** A machine is suspended: nothing goes on but its calendar, and mostly it is cut off until a while later. */
  suspension: { of: 'second', rates: [1, 3], shows: 'machines suspended' },
  /** A process dies, and what it has written is there. */
  crash: { of: 'second', rates: [0.5, 2], shows: 'processes killed' },
  /** A machine loses power, and what was not synced is there or not. */
  powerLoss: { of: 'second', rates: [0.5, 2], shows: 'power lost' },
  /** A machine loses power in the middle of an operation of its disk. */
  tornWrite: { of: 'second', rates: [0.5, 2], shows: 'operations torn' },
  /** A process dies, or a machine loses power, between giving a snapshot its name and making that durable. */
  tornSnapshot: { of: 'second', rates: [2, 8], shows: 'snapshots published by half' },
  /** A node is stopped in order, and started again. */
  restart: { of: 'second', rates: [0.5, 1.5], shows: 'nodes restarted' },
  /** A minority of the nodes loses its disks. */
  diskLoss: { of: 'second', rates: [0.5, 1.5], shows: 'disks lost' },
  /** A bit of what a stopped node has on its disk turns around. */
  bitRot: { of: 'second', rates: [0.5, 1.5], shows: 'bits turned' },
  /** A disk has no room left for a while. */
  diskFull: { of: 'second', rates: [0.5, 1.5], shows: 'disks full' },
  /** An operation of a disk fails. */
  diskFailure: { of: 'second', rates: [0.5, 1.5], shows: 'operations failed' },
  /** The log waits for the disk. */
  slowDisk: { of: 'request', rates: [0.1, 0.5], shows: 'syncs late' },
  /** Objects take their time. */
  slowObjects: { of: 'request', rates: [0.05, 0.3], shows: 'objects late' },
  /** The thread of a node's objects ends. */
  objectCrash: { of: 'second', rates: [0.5, 2], shows: 'object threads ended' },
  /** Somebody adds, replaces and removes members. Not a fault, but what nothing else waits for. */
  memberChange: { of: 'second', rates: [2, 6, 15], shows: 'changes of members asked for' },
  /** Members go until two are left, and then the leader, which is ended before the last one knows that it has gone. */
  farewell: { of: 'second', rates: [6, 15], shows: 'leaders ended as they leave the last one alone' },
  /** Somebody is to be added, which is given up as soon as it may have begun, and taken back by another node. */
  takeBack: { of: 'second', rates: [6, 20], shows: 'additions taken back' },
  /** The same, by a node that entries do not get through to, so that it has never heard of whom it is to remove. */
  hearsay: { of: 'second', rates: [6, 20], shows: 'strangers removed' },
} as const satisfies Readonly<Record<string, FaultKind>>;

/** The name of a fault; {@link FAULTS} says what it is. */
export type FaultName = keyof typeof FAULTS;

/** The rate of each fault. 0: it does not happen. */
export type FaultMix = Readonly<Record<FaultName, number>>;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

/** How many of all faults a seed draws, roughly. */
const SHARES = [0.1, 0.25, 0.4] as const;

/** Faults that together show what one of them alone, or among many others, hardly ever does. */
const HOSTILITIES: readonly Partial<FaultMix>[] = [
  // What a start has found must be durable: it is lost, or not, the next time.
  { tornWrite: 6, powerLoss: 3, crash: 2 },
  // Logs that grow apart.
  { isolation: 4, overtaking: 3, bereavement: 2, partition: 2, connectionLoss: 0.01 },
  // Leaders that do not know that they were deposed.
  { isolation: 5, usurpation: 3, pause: 2, clockDrift: 1 },
  // What was said long ago is heard now.
  { messageReordering: 0.4, messageDelay: 0.15, messageDuplication: 0.25, isolation: 3, bereavement: 2 },
  // Members that have forgotten everything, while leaders change.
  { diskLoss: 4, isolation: 3, crash: 1 },
  // Objects that are made anew, and catch up.
  { objectCrash: 8, slowObjects: 0.4 },
];
const HOSTILE_RATE = 0.3;

/** Drawn by {@link drawApart}, {@link drawRare} and {@link drawOdd}. */
const APART: ReadonlySet<FaultName> = new Set<FaultName>([
  'distance',
  'suspension',
  'tornSnapshot',
  'memberChange',
  'farewell',
  'takeBack',
  'hearsay',
]);

/** All but those that are drawn apart: not everybody's test has room for changes of members. */
export function drawFaults(dice: Dice): FaultMix {
  const isHostile = dice.chance(HOSTILE_RATE);
  const share = isHostile ? SHARES[0] : dice.oneOf(SHARES);
  const drawn = drawWith(dice, share);
  return isHostile ? { ...drawn, ...dice.oneOf(HOSTILITIES) } : drawn;
}

function drawWith(dice: Dice, share: number): FaultMix {
  return mixOf((name) => (!APART.has(name) && dice.chance(share) ? dice.oneOf<number>(FAULTS[name].rates) : 0));
}

const MEMBER_CHANGE_SHARE = 0.35;
const SUSPENSION_SHARE = 0.1;

const APART_HOSTILITIES: readonly Partial<FaultMix>[] = [
  // Snapshots that were given to nodes whose logs end before them.
  { tornSnapshot: 8, overtaking: 4, isolation: 2 },
  // The last of a log that others need is with one that has left.
  { farewell: 15, memberChange: 2 },
  // What a node knows of the members is not what its leader knows.
  { takeBack: 20, memberChange: 2, messageLoss: 0.2 },
];
const APART_HOSTILE_RATE = 0.15;

/**
 * How often members change and machines are suspended, which in most seeds they do not, and hostilities of which the
 * other faults know nothing. With dice of its own, so that what those others are does not depend on it.
 */
export function drawApart(dice: Dice): Partial<FaultMix> {
  const memberChange = dice.chance(MEMBER_CHANGE_SHARE) ? dice.oneOf<number>(FAULTS.memberChange.rates) : 0;
  const more = dice.chance(APART_HOSTILE_RATE) ? dice.oneOf(APART_HOSTILITIES) : {};
  const suspension = dice.chance(SUSPENSION_SHARE) ? dice.oneOf<number>(FAULTS.suspension.rates) : 0;
  return { memberChange, suspension, ...more };
}

const RARITIES: readonly Partial<FaultMix>[] = [
  // Nodes that are asked about members of whom they do not know.
  { hearsay: 20, memberChange: 2, slowDisk: 0.5 },
  // Snapshots that are durable before the terms in which they were given.
  { tornSnapshot: 12, overtaking: 5, isolation: 3, slowDisk: 0.5 },
];
const RARE_RATE = 0.08;

/** Takes the place of all that was drawn before, in few histories; null: in this one it does not. */
export function drawRare(dice: Dice): FaultMix | null {
  return dice.chance(RARE_RATE) ? { ...drawWith(dice, SHARES[0]), ...dice.oneOf(RARITIES) } : null;
}

interface Oddity {
  /** Makes dice of its own of a seed, so that one more oddity changes hardly any history. */
  readonly salt: number;
  /** In how many histories it is on. */
  readonly share: number;
  readonly mix: Partial<FaultMix>;
}

const ODDITIES: readonly Oddity[] = [
  // Members that have forgotten everything, and always answer first.
  { salt: 1298, share: 0.03, mix: { distance: 0.5, diskLoss: 2 } },
];

/** Takes the place of all that was drawn before, in few histories: the first of these that is on, and nothing else. */
export function drawOdd(seed: number): FaultMix | null {
  for (const { salt, share, mix } of ODDITIES) {
    const dice = new Dice((seed ^ salt) >>> 0);
    if (dice.chance(share)) return onlyFaults(mix);
  }
  return null;
}

/** These faults, and no others. @throws ConclaveError `ERR_INVALID_OPTION` */
export function onlyFaults(faults: Partial<FaultMix>): FaultMix {
  for (const [name, rate] of Object.entries(faults)) {
    if (Object.hasOwn(FAULTS, name) && rate >= 0 && rate < Infinity) continue;
    const complaint = `faults.${name} is ${rate}: each of ${FAULT_NAMES.join(', ')} has a rate of 0 or more.`;
    throw new ConclaveError('ERR_INVALID_OPTION', complaint, { data: { option: `faults.${name}` } });
  }
  return mixOf((name) => faults[name] ?? 0);
}

/** Does nothing go wrong? */
export function isPeaceful(faults: FaultMix): boolean {
  return FAULT_NAMES.every((name) => faults[name] === 0);
}

function mixOf(rate: (name: FaultName) => number): FaultMix {
  return Object.fromEntries(FAULT_NAMES.map((name) => [name, rate(name)])) as FaultMix;
}
