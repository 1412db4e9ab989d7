/** How a simulated network is doing, as random numbers are drawn for it. */

/** May be changed at any time. Rates are probabilities, of each message. */
export interface NetworkWeather {
  delayMs: readonly [min: number, max: number];
  /** A message is late by this much, and those behind it on its connection with it. */
  straggleRate: number;
  straggleMs: readonly [min: number, max: number];
  /** A message is dropped, and its connection goes on. */
  lossRate: number;
  /** A message is lost, and its connection with it. */
  breakRate: number;
  /** A message arrives twice. No connection does that, and the core does not mind. */
  duplicateRate: number;
  /** A message overtakes those before it, or is overtaken. No connection does that, and the core does not mind. */
  reorderRate: number;
  /** What is sent on a connection while so much is on its way is dropped. */
  linkBytesMax: number;
  /** How long it takes to try again to connect. */
  reconnectMs: readonly [min: number, max: number];
  /** A connection on which nothing gets through for so long ends. */
  silenceMs: number;
}

export const FAIR_NETWORK: NetworkWeather = {
  delayMs: [0.2, 1],
  straggleRate: 0,
  straggleMs: [20, 100],
  lossRate: 0,
  breakRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  linkBytesMax: 64 * 1024 * 1024,
  reconnectMs: [5, 25],
  silenceMs: 150,
};
