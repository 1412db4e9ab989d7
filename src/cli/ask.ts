/**
 * Asks a node of a cluster for something. What only the leader can do is asked of the leader, whom the node names, once.
 */

import { ConclaveError } from '../errors.js';
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
export async function ask(node: string, question: Question, options: NodeOptions): Promise<unknown> {
  const client = await connect(node, options);
  try {
    return await client.ask(requestOf(question, options));
  } catch (error) {
    if (!(error instanceof ConclaveError) || error.code !== 'ERR_NOT_LEADER') throw error;
    const leader = leaderIn(await client.ask(requestOf({ command: 'status', argument: null }, options)));
    if (leader === null || leader === node) throw error;
    return await askLeader(leader, question, options);
  } finally {
    client.close();
  }
}

export function connect(node: string, { cluster, timeout }: NodeOptions): Promise<AdminClient> {
  return AdminClient.connect(node, {
    cluster: cluster ?? null,
    timeoutMs: Math.min(timeout, CONNECT_TIMEOUT_MS_MAX),
  });
}

async function askLeader(leader: string, question: Question, options: NodeOptions): Promise<unknown> {
  const client = await connect(leader, options);
  try {
    return await client.ask(requestOf(question, options));
  } finally {
    client.close();
  }
}

function requestOf(question: Question, { timeout }: NodeOptions): AdminRequest {
  return { ...question, timeoutMs: timeout };
}

function leaderIn(status: unknown): string | null {
  const leader = (status as { readonly leader?: unknown } | null)?.leader;
  return typeof leader === 'string' ? leader : null;
}
