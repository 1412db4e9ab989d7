/**
 * A snapshot as all but its reader know it: where in the log it stands, how large it is, and where its bytes lie. Plain
 * data, crosses threads.
 */

import type { LastIncluded } from '../ids.js';
import type { ByteLocation } from './byte-source.js';

export interface SnapshotInfo {
  readonly lastIncluded: LastIncluded;
  /** Names the content: two snapshots with the same id have the same bytes. 32 hex digits. */
  readonly id: string;
  /** The size of the file. */
  readonly bytes: number;
  /** The size of the state in it before it was compressed. */
  readonly stateBytes: number;
  readonly location: ByteLocation;
}
