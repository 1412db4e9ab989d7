/**
 * Which life of each peer this node has dealt with. A node keeps its log and its votes in memory: one that was restarted
 * has forgotten what it promised, and would break the promise in good faith, so whoever remembers its former life does
 * not let it in. Says so in the log, once per life and not per attempt. Observers promise nothing and are free.
 */

import type { Incarnation, NodeId } from '../ids.js';
import type { Logger } from '../runtime/logger.js';
import { describeRefusal, isObserverId, type Hello, type ReceivedRefusal, type Refusal } from './hello.js';
import { quote } from './quote.js';

/** Strangers can pose as peers: past so many reports the log has been told enough. */
const REPORTS_MAX = 100;

export class PeerIncarnations {
  readonly #logger: Logger;
  /** The life of each peer that was ever accepted. Never forgotten while this node lives. */
  readonly #accepted = new Map<NodeId, Incarnation>();
  /** What has been reported: lives that were refused, and peers that refused this node. */
  readonly #reported = new Set<Incarnation | NodeId>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** May whoever sent this hello be let in? Null: yes. */
  judge({ from, incarnation }: Hello): Refusal | null {
    const accepted = this.#accepted.get(from);
    if (accepted === undefined || accepted === incarnation) return null;
    if (this.#isNews(incarnation)) {
      const details = { peer: from, incarnation, acceptedIncarnation: accepted };
      this.#logger.error(details, 'refused a peer that was restarted: it has forgotten its log and its votes');
    }
    return {
      reason: 'newIncarnation',
      message:
        `${quote(from)} has been restarted and has forgotten what it promised, so its cluster cannot take it ` +
        'back. Restart the whole cluster, which then begins anew, or start it under a new address in a new cluster.',
    };
  }

  /** A hello has been accepted: from here on its sender is known by this life only. */
  accept({ from, incarnation }: Hello): void {
    if (!isObserverId(from)) this.#accepted.set(from, incarnation);
  }

  /** `peer` has refused this node. */
  onRefused(peer: NodeId, refusal: ReceivedRefusal): void {
    if (refusal.reason !== 'newIncarnation' || !this.#isNews(peer)) return;
    const details = { peer, reason: describeRefusal(refusal) };
    this.#logger.error(details, 'this node was restarted, and a peer that remembers it from before refuses it');
  }

  #isNews(subject: Incarnation | NodeId): boolean {
    if (this.#reported.has(subject) || this.#reported.size >= REPORTS_MAX) return false;
    this.#reported.add(subject);
    return true;
  }
}
