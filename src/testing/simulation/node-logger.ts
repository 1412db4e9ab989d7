/**
 * Where the log lines of a simulated node go: those that tell of something worth counting are counted, all are traced.
 * Who runs the node is told when it says that it was removed.
 */

import type { UserLogger } from '../../node/node-logger.js';
import type { Coverage } from './coverage.js';
import type { Trace } from './trace.js';

/** By the message of the line. */
const COUNTED: Readonly<Record<string, string>> = {
  'the end of the log, torn by a crash, was cut off': 'torn tails cut',
  'a snapshot is damaged; an older one takes its place': 'damaged snapshots set aside',
  'a snapshot is damaged; an older one is tried': 'damaged snapshots set aside',
  'a snapshot was taken': 'snapshots taken',
  'a snapshot could not be taken': 'snapshots failed',
  'this node is far behind: it is being given a snapshot': 'snapshots fetched',
  'the snapshot that this node is given could not be fetched': 'fetches failed',
};

const REMOVED = 'this node was removed from the cluster, and stops';

/** Drafts of snapshots are counted in the whole process: a history must not depend on those before it. */
const DRAFT = /\d+\.draft\b/g;

export class NodeLogger implements UserLogger {
  readonly #node: string;
  readonly #coverage: Coverage;
  readonly #trace: Trace | null;
  readonly #onRemoved: () => void;

  constructor(node: string, coverage: Coverage, trace: Trace | null, onRemoved: () => void) {
    this.#node = node;
    this.#coverage = coverage;
    this.#trace = trace;
    this.#onRemoved = onRemoved;
  }

  debug(): void {}

  info(details: object, message: string): void {
    this.#note(details, message);
  }

  warn(details: object, message: string): void {
    this.#note(details, message);
  }

  error(details: object, message: string): void {
    this.#note(details, message);
  }

  #note(details: object, message: string): void {
    const event = COUNTED[message];
    if (event !== undefined) this.#coverage.count(event);
    if (message === REMOVED) this.#onRemoved();
    if (this.#trace === null || message === 'role changed') return;
    const { err, index } = details as { readonly err?: unknown; readonly index?: number };
    const at = index === undefined ? '' : ` (entry ${index})`;
    const why = err instanceof Error ? `: ${err.message.replaceAll(DRAFT, 'a draft')}` : '';
    this.#trace.add(this.#node, `${message}${at}${why}`);
  }
}
