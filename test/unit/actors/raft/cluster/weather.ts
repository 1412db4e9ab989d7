/** How network, disks and threads are doing, as random numbers are drawn for it. */

/** May be changed at any time. */
export interface Weather {
  lossRate: number;
  doubleRate: number;
  /** Do messages from one node to another arrive in the order in which they were sent, as on one connection? */
  isOrdered: boolean;
  delayMs: [min: number, max: number];
  /** How often a message takes twenty times as long as `delayMs` says. */
  straggleRate: number;
  syncMs: [min: number, max: number];
  applyMs: [min: number, max: number];
  /** How long what has arrived at a node may wait for its core to take it. */
  inboxMs: [min: number, max: number];
  /** How long a batch of messages may gather before its flush. */
  batchMs: [min: number, max: number];
  /** How long it takes to fetch a snapshot, and how often that fails. */
  fetchMs: [min: number, max: number];
  fetchFailureRate: number;
}

export const FAIR_WEATHER: Weather = {
  lossRate: 0,
  doubleRate: 0,
  isOrdered: true,
  delayMs: [0.5, 2],
  straggleRate: 0,
  syncMs: [0.1, 1],
  applyMs: [0, 1],
  inboxMs: [0, 0.2],
  batchMs: [0, 0.2],
  fetchMs: [1, 10],
  fetchFailureRate: 0,
};
