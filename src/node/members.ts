/**
 * The members of the cluster as its user sees and changes them. On the thread that started the node: it asks consensus to
 * begin a change, and watches the node's status until that has come about.
 */

import { ConclaveError } from '../errors.js';
import { nodeId, type NodeId } from '../ids.js';
import { parseAddress } from '../net/address.js';
import type { NodeStatus } from '../actors/replicated/caller-messages.js';
import { beginChange } from './begin-change.js';
import { cameAbout, type Watch } from './came-about.js';
import { checkNumber } from './option-checks.js';
import { TIMEOUT_MS_MAX } from '../runtime/clock.js';
import type { MemberStatus } from './status.js';

export interface ChangeOptions {
  /** How long the call waits, in milliseconds; a change that has been begun goes on all the same. Default: 30,000. */
  readonly timeoutMs?: number;
}

/** What this needs of its node. */
export interface MembersPort {
  /** Asks consensus to begin a change. */
  begin(add: NodeId | null, remove: NodeId | null): Promise<void>;
  status(): NodeStatus | null;
  list(): readonly MemberStatus[];
  readonly watch: Watch;
}

/** Unless the call says otherwise. */
export const CHANGE_TIMEOUT_MS = 30_000;

export class Members {
  readonly #port: MembersPort;

  constructor(port: MembersPort) {
    this.#port = port;
  }

  /** All members that this node knows, by address. */
  list(): readonly MemberStatus[] {
    return this.#port.list();
  }

  /**
   * Adds a node, which was started with `join: true`. It is sent everything first, and votes once it has caught up: then the
   * promise resolves.
   *
   * @throws ConclaveError `ERR_ALREADY_MEMBER`, `ERR_CHANGE_REFUSED` when there are 15 members, `ERR_CHANGE_UNDER_WAY`,
   *   `ERR_NOT_LEADER` (ask the leader), `ERR_TIMEOUT` when it has not caught up in time: it goes on by itself, and `remove`
   *   takes it back; `ERR_INVALID_OPTION`, `ERR_STOPPED`.
   */
  async add(address: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change(checked(address), null, options);
  }

  /**
   * Removes a member, which may be down, or this very node. Resolves when the others go on without it.
   *
   * @throws ConclaveError `ERR_NO_SUCH_MEMBER`, `ERR_CHANGE_REFUSED` when it is the last one, or too few of the others are
   *   up; and as `add`.
   */
  async remove(address: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change(null, checked(address), options);
  }

  /**
   * Puts the node `address` in the place of the member `old` in one step, once it has caught up.
   *
   * @throws ConclaveError as `add` and `remove`.
   */
  async replace(old: string, address: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change(checked(address), checked(old), options);
  }

  async #change(add: NodeId | null, remove: NodeId | null, options: ChangeOptions): Promise<void> {
    const timeoutMs = checkNumber('timeoutMs', options.timeoutMs ?? CHANGE_TIMEOUT_MS, 1, TIMEOUT_MS_MAX);
    const deadlineMs = performance.now() + timeoutMs;
    await beginChange(() => this.#port.begin(add, remove), deadlineMs);
    const isSo = (): boolean => hasComeAbout(this.#port.status(), add, remove);
    await cameAbout(isSo, this.#port.watch, deadlineMs, () => notInTime(add, remove));
  }
}

function hasComeAbout(status: NodeStatus | null, add: NodeId | null, remove: NodeId | null): boolean {
  if (status === null || status.isChanging) return false;
  const isIn = add === null || status.members.some(({ id, role }) => id === add && role === 'voter');
  return isIn && !status.members.some(({ id }) => id === remove);
}

function checked(address: string): NodeId {
  parseAddress(address, 'address');
  return nodeId(address);
}

function notInTime(add: NodeId | null, remove: NodeId | null): ConclaveError {
  const what = add === null ? `${remove} is not removed yet` : `${add} has not caught up yet`;
  return new ConclaveError('ERR_TIMEOUT', `${what}; the change goes on by itself.`, { data: { add, remove } });
}
