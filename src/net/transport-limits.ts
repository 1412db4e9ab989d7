/**
 * How much a transport may hold and carry. Plain values, the same on all nodes.
 */

export interface TransportLimits {
  /** The longest frame, header included, sent or taken. At least 4096 and below 2^32. */
  readonly frameBytesMax: number;
  /** While more than this waits on one link, what is sent on it is dropped. */
  readonly linkBufferBytesMax: number;
}

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  frameBytesMax: 64 * 1_048_576,
  linkBufferBytesMax: 64 * 1_048_576,
};
