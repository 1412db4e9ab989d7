/**
 * How the readers of a data directory say that a newer version of Conclave has written it. That is no damage: nothing
 * of it must be set aside, removed or written over. Pure.
 */

import { ConclaveError } from '../errors.js';

/** What was written, and in which version of its form; `path` where it is a file of its own. */
export interface NewerContent {
  /** As the subject of a sentence. */
  readonly what: string;
  readonly path: string | null;
  readonly version: number;
  /** The newest form that this version of Conclave knows. */
  readonly versionMax: number;
}

export function writtenByNewer({ what, path, version, versionMax }: NewerContent): ConclaveError {
  return new ConclaveError(
    'ERR_DATA_DIR_MISMATCH',
    `${what} was written by a newer version of Conclave: its format is ${version}, and this one knows formats up to ` +
      `${versionMax}. Nothing was changed. Start the node with that version or a later one.`,
    { data: { ...(path === null ? {} : { path }), version, versionMax } },
  );
}
