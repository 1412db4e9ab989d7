/**
 * Keeps a node from starting nodes without end: the thread of its objects loads the files of their classes, and a file
 * that also starts the node would start another there, and so on. On whatever thread a node is to be started.
 */

import { ConclaveError } from '../errors.js';
import { isOwnThread } from '../runtime/threads/thread-mark.js';

/** The folder of the compiled package. */
const PACKAGE = new URL('..', import.meta.url).href;

/** @throws ConclaveError `ERR_INVALID_OBJECT` on a thread that Conclave has started. */
export function refuseOwnThread(): void {
  if (!isOwnThread()) return;
  const file = fileOfCaller();
  throw new ConclaveError(
    'ERR_INVALID_OBJECT',
    `Runtime.start was called while ${file} was loaded on the thread of the objects: move the class into a file of ` +
      'its own, which starts nothing when it is imported.',
    { data: { file } },
  );
}

/** The file of the user's that the call came from, as the stack tells. */
function fileOfCaller(): string {
  const files = new Error('for its stack').stack?.match(/\bfile:\/\/\S+?(?=:\d+:\d+)/g) ?? [];
  return files.find((file) => !file.startsWith(PACKAGE)) ?? 'the file of a class';
}
