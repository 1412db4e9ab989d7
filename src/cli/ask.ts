/** Asks a node of a cluster for something, once: what only the leader can do, the node has done by the leader. */

import { AdminClient } from '../net/admin/admin-client.js';
import type { AdminRequest } from '../net/admin/admin-request.js';
import type { NodeOptions } from './node-command.js';

/** To be there, and to say hello, takes no longer, however long the answer may. */
const CONNECT_TIMEOUT_MS_MAX = 5_000;

/** A request without the time that it may take, which the options say. */
export type Question = AdminRequest extends infer Request
  ? Request extends AdminRequest
    ? Omit<Request, 'timeoutMs'>
    : never
  : never;

/**
 * Resolves with the answer.
 *
 * @throws ConclaveError as `AdminClient.connect` and `ask`.
 */
export async function ask(node: string, question: Question, { cluster, timeout }: NodeOptions): Promise<unknown> {
  const client = await AdminClient.connect(node, {
    cluster: cluster ?? null,
    timeoutMs: Math.min(timeout, CONNECT_TIMEOUT_MS_MAX),
  });
  try {
    return await client.ask({ ...question, timeoutMs: timeout });
  } finally {
    client.close();
  }
}
