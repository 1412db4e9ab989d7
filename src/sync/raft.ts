/**
 * The back end of a node: its lock manager, by Raft.
 */

import { ConclaveError } from '../errors.js';
import type { Runtime } from '../node/runtime.js';
import type { SightedBackend } from './backend.js';
import { LockAttendant } from './lock-attendant.js';
import { checkMethod, invalid } from './option-checks.js';

/**
 * Locks and elections by the Raft cluster that this node belongs to. Its objects must have a `ReplLockManager`, on
 * every node alike. Sessions of this node are closed when the runtime stops.
 *
 * @param object the name of the lock manager, where there are several
 * @throws ConclaveError `ERR_INVALID_OBJECT` when there is no lock manager; `ERR_INVALID_OPTION` when there is none of
 *   that name, or there are several and no name is given, or `runtime` is none
 *
 * @example
 * const runtime = await Runtime.start({
 *   self: 'serverA:4321',
 *   peers: ['serverB:4321', 'serverC:4321'],
 *   objects: { locks: ReplLockManager },
 * });
 * const sync = await connect(raft(runtime));
 * await using held = await sync.lock('db-migrate').acquire();
 */
export function raft(runtime: Pick<Runtime, 'attendants'>, object?: string): SightedBackend {
  checkMethod('runtime', runtime, 'attendants', 'must be a runtime, as Runtime.start resolves with it');
  const managers = lockManagersOf(runtime);
  const names = [...managers.keys()];
  if (names.length === 0) {
    throw new ConclaveError(
      'ERR_INVALID_OBJECT',
      'This node has nothing that keeps locks: start every node with a lock manager among its objects, as in ' +
        '{ objects: { locks: ReplLockManager } }; it is exported by conclave/objects.',
    );
  }
  if (object === undefined && names.length > 1) {
    throw invalid('object', `must say which lock manager is meant: there are ${names.join(', ')}`);
  }
  const found = managers.get(object ?? names[0]!);
  if (found === undefined) throw invalid('object', `must be the name of a lock manager: there is ${names.join(', ')}`);
  return found.backend;
}

function lockManagersOf(runtime: Pick<Runtime, 'attendants'>): Map<string, LockAttendant> {
  const managers = new Map<string, LockAttendant>();
  for (const [name, attendant] of runtime.attendants()) {
    if (attendant instanceof LockAttendant) managers.set(name, attendant);
  }
  return managers;
}
