/**
 * Watches a whole cluster and throws where Raft's promises (figure 3 of the paper, and what the messages say of
 * durability) are broken. It remembers the history of all nodes, across their crashes, which no node could.
 */

import { EntryKind } from '../../../../../src/actors/raft/entry.js';
import type { PeerMessage } from '../../../../../src/actors/raft/messages.js';
import type { Core, Leader } from '../../../../../src/actors/raft/state.js';
import { logIndex, term as asTerm, type Incarnation, type NodeId } from '../../../../../src/ids.js';
import type { Configuration } from '../../../../../src/actors/raft/configuration.js';
import { describeConfiguration } from '../../../../scenario/describe-message.js';
import { isOneStep, isQuorum } from './membership-rules.js';
import type { RaftNode } from './raft-node.js';
import type { SimDisk } from './sim-disk.js';

/** What is known of a node in its present life. */
interface Watched {
  core: Core;
  /** The terms of the log as last seen, by index. */
  terms: number[];
  term: number;
  commitIndex: number;
  /** As leader: the log's end as last seen, and each peer's match, by the leader's tracking of it. */
  leader: Leader | null;
  leaderLastIndex: number;
  matches: Map<number, number>;
  /** In effect when the last step was over. */
  configuration: Configuration;
}

/** Any number that identifies what an entry says, and the term of the one before it. */
interface SeenEntry {
  readonly content: number;
  readonly prevTerm: number;
}

interface CommittedEntry {
  readonly term: number;
  /** The term of the leader that committed it, which may be later than the entry's own. */
  readonly committedIn: number;
  readonly content: number;
}

export class HistoryChecker {
  readonly #nodes: ReadonlyMap<NodeId, RaftNode>;
  readonly #watched = new Map<NodeId, Watched>();
  /** By `term * INDEX_MAX + index`. */
  readonly #entries = new Map<number, SeenEntry>();
  /** By index, from 1. */
  readonly #committed: (CommittedEntry | undefined)[] = [undefined];
  readonly #leaders = new Map<number, NodeId>();
  /** By voter, what it remembers, and term. */
  readonly #votes = new Map<string, NodeId>();
  /** By term and candidate: who has voted for it, and in which incarnation. */
  readonly #ballots = new Map<string, Map<NodeId, Incarnation>>();
  /** Who the members are as of each index, in words. */
  readonly #memberships = new Map<number, string>();
  /** Who they are as of the last index that was seen committed; null: there is no cluster. */
  committedConfiguration: Configuration | null = null;
  /** The hash of the state after each index. */
  readonly #hashes = new Map<number, number>();

  constructor(nodes: ReadonlyMap<NodeId, RaftNode>) {
    this.#nodes = nodes;
  }

  get committedCount(): number {
    return this.#committed.length - 1;
  }

  /** Does what is committed admit this node as it is? */
  isAdmitted({ id, incarnation }: RaftNode): boolean {
    return this.committedConfiguration?.admitted.get(id) === incarnation;
  }

  /** The core of `node` has taken a message. */
  stepped(node: RaftNode): void {
    const core = node.running;
    const watched = this.#watch(node, core);
    check(core.term >= watched.term, `${node.id}: the term went down`);
    check(core.commitIndex >= watched.commitIndex, `${node.id}: the commit index went down`);
    watched.term = core.term;
    this.#checkLog(node.id, core, watched);
    if (core.role.name === 'leader') this.#checkLeader(node, core, core.role, watched);
    else watched.leader = null;
    this.#checkCommit(node, core, watched);
    watched.configuration = core.configurations.current;
  }

  /** `node` puts a message on the network. */
  sent(node: RaftNode, to: NodeId, message: PeerMessage): void {
    const { disk } = node;
    const durableTerm = disk.hardState?.term ?? 0;
    switch (message.type) {
      case 'requestVote':
        this.#checkVote(node, message.term, node.id);
        return;
      case 'requestVoteReply':
        if (message.voteGranted) this.#checkVote(node, message.term, to);
        return;
      case 'appendEntries':
        check(durableTerm >= message.term, `${node.id}: leads in term ${message.term} before it is durable`);
        return;
      case 'appendEntriesReply':
        check(durableTerm >= message.term, `${node.id}: answers in term ${message.term} before it is durable`);
        if (message.success) this.#checkAck(node, to, message.term, message.matchIndex, durableTerm);
        return;
      case 'installSnapshotReply':
        check(disk.lastIndex >= message.lastIncludedIndex, `${node.id}: acknowledges a snapshot before it is durable`);
        return;
      default:
    }
  }

  /** The machine of `node` has applied one entry. */
  applied({ id, machine: { appliedIndex, hash } }: RaftNode): void {
    const known = this.#hashes.get(appliedIndex);
    if (known === undefined) this.#hashes.set(appliedIndex, hash);
    else check(known === hash, `state machine safety: ${id} has another state at ${appliedIndex}`);
  }

  #watch(node: RaftNode, core: Core): Watched {
    const { id } = node;
    const known = this.#watched.get(id);
    if (known?.core === core) return known;
    const fresh: Watched = {
      core,
      terms: [],
      term: Math.max(core.term, 0),
      commitIndex: 0,
      leader: null,
      leaderLastIndex: 0,
      matches: new Map(),
      configuration: core.configurations.current,
    };
    if (known !== undefined) {
      const own = voterOf(node);
      for (const [voter, vote] of this.#votes) {
        if (!voter.startsWith(own)) continue;
        const term = Number(voter.slice(own.length));
        check(core.term >= term, `${id} forgot a term`);
        if (core.term === asTerm(term)) check(core.votedFor === vote, `${id} forgot its vote in term ${term}`);
      }
    }
    this.#watched.set(id, fresh);
    return fresh;
  }

  /** Log matching: an index and a term name one entry, with one entry before it. */
  #checkLog(id: NodeId, core: Core, watched: Watched): void {
    const { log, configurations } = core;
    const { terms } = watched;
    const lastChange = log.configurationIndexes.at(-1) ?? 0;
    check(configurations.lastIndex === lastChange, `${id}: the configurations do not follow the log`);
    const first = log.firstIndex;
    let index: number = log.lastIndex;
    // What has not changed since the last look has been looked at.
    while (index >= first && terms[index] !== log.termAt(logIndex(index))) index--;
    terms.length = Math.min(terms.length, log.lastIndex + 1);
    for (let at = index + 1; at <= log.lastIndex; at++) {
      const entry = log.entry(logIndex(at));
      terms[at] = entry.term;
      if (entry.kind === EntryKind.configuration) this.#checkChange(id, core, at);
      const content = fingerprint(entry.kind, entry.timestampMs, entry.payload);
      const prevTerm = log.termAt(logIndex(at - 1)) ?? 0;
      const key = keyOf(at, entry.term);
      const seen = this.#entries.get(key);
      if (seen === undefined) this.#entries.set(key, { content, prevTerm });
      else {
        check(seen.content === content, `log matching: ${id} has another entry ${at} of term ${entry.term}`);
        check(seen.prevTerm === prevTerm, `log matching: ${id} has another entry before ${at} of term ${entry.term}`);
      }
    }
  }

  #checkLeader(node: RaftNode, core: Core, leader: Leader, watched: Watched): void {
    const { log, term } = core;
    if (watched.leader !== leader) {
      const other = this.#leaders.get(term);
      check(other === undefined, `election safety: ${other} and ${node.id} were both elected in term ${term}`);
      this.#leaders.set(term, node.id);
      this.#checkElection(node, core, leader);
      this.#checkCompleteness(node.id, core);
      watched.leader = leader;
      watched.leaderLastIndex = log.lastIndex;
      watched.matches = new Map();
    }
    check(log.lastIndex >= watched.leaderLastIndex, `leader append-only: ${node.id} cut its log`);
    watched.leaderLastIndex = log.lastIndex;
    for (const peer of leader.peers.values()) {
      const before = watched.matches.get(peer.session) ?? 0;
      if (peer.matchIndex === before) continue;
      check(peer.matchIndex > before, `${node.id}: the match of ${peer.id} went down`);
      watched.matches.set(peer.session, peer.matchIndex);
      this.#checkMatch(node, core, peer.id, peer.matchIndex);
    }
  }

  /** Elected by a quorum of those whom its own log has admitted; or, to found a cluster, by all. */
  #checkElection(node: RaftNode, { log, term, configurations }: Core, { noopIndex }: Leader): void {
    // The founders are admitted by the entry that this leader begins with.
    const configuration = configurations.at(noopIndex)!;
    const { electors, admitted } = configuration;
    // Who has only itself asks nobody.
    const ballot = this.#ballots.get(`${term} ${node.id}`) ?? new Map([[node.id, node.incarnation]]);
    const counted = electors.filter((id) => ballot.has(id) && ballot.get(id) === admitted.get(id));
    const isFounding = log.entry(noopIndex).kind === EntryKind.configuration;
    const isElected = isFounding ? counted.length === electors.length : isQuorum(configuration, counted);
    check(isElected, `${node.id} was elected in term ${term} by ${counted.join()} only`);
  }

  /** One step at a time; and only by a leader that knows what is committed. */
  #checkChange(id: NodeId, { log, configurations, commitIndex, term, role }: Core, index: number): void {
    const before = configurations.at(logIndex(index - 1));
    const after = configurations.at(logIndex(index))!;
    const [was, is] = [before === null ? 'nothing' : describeConfiguration(before), describeConfiguration(after)];
    check(before === null || isOneStep(before, after), `${id}: entry ${index} is more than one step: ${was} to ${is}`);
    if (role.name !== 'leader' || log.termAt(logIndex(index)) !== term || index === role.noopIndex) return;
    const previous = log.configurationIndexes.findLast((each) => each < index) ?? 0;
    const isDue = previous <= commitIndex && log.termAt(commitIndex) === term;
    check(isDue, `${id}: entry ${index} changes members although what came before is not committed`);
  }

  /** What the leader takes for matching is, or was, on the peer's disk, unless a later leader has replaced it. */
  #checkMatch(node: RaftNode, core: Core, peer: NodeId, matchIndex: number): void {
    const own = core.log.termAt(logIndex(matchIndex));
    if (own === null) return;
    const isTrue = disksOf(this.#nodes.get(peer)!).some(
      (disk) => hasEntry(disk, matchIndex, own) || (disk.hardState?.term ?? 0) > core.term,
    );
    check(isTrue, `${node.id}: ${peer} does not match at ${matchIndex}`);
  }

  #checkCompleteness(id: NodeId, { log, term }: Core): void {
    for (let index: number = log.firstIndex; index < this.#committed.length; index++) {
      const committed = this.#committed[index]!;
      // A candidate of an earlier term may still win its election: nobody will listen to it.
      if (committed.committedIn > term) continue;
      check(
        log.termAt(logIndex(index)) === committed.term,
        `leader completeness: ${id} was elected in term ${term} without the committed entry ${index}`,
      );
    }
  }

  #checkCommit(node: RaftNode, core: Core, watched: Watched): void {
    const { log, commitIndex } = core;
    if (core.role.name === 'leader' && commitIndex > watched.commitIndex) {
      const isOwnTerm = log.termAt(commitIndex) === core.term;
      check(isOwnTerm, `${node.id} commits by counting what is of an earlier term than its own: ${commitIndex}`);
    }
    for (let index = Math.max(watched.commitIndex + 1, log.firstIndex); index <= commitIndex; index++) {
      const term = log.termAt(logIndex(index))!;
      const { content } = this.#entries.get(keyOf(index, term))!;
      const known = this.#committed[index];
      if (known === undefined) {
        this.#checkDurable(node, core, watched.configuration, index, term);
        this.#committed[index] = { term, committedIn: core.term, content };
      } else {
        const isSame = known.term === term && known.content === content;
        check(isSame, `state machine safety: ${node.id} committed another entry ${index}`);
      }
    }
    if (commitIndex > watched.commitIndex) this.#checkMembership(node.id, core);
    watched.commitIndex = commitIndex;
  }

  /** All agree on who the members are, wherever they have it from: their logs, or a snapshot. */
  #checkMembership(id: NodeId, { configurations, commitIndex }: Core): void {
    const configuration = configurations.at(commitIndex)!;
    const words = describeConfiguration(configuration);
    const known = this.#memberships.get(commitIndex);
    check(known === undefined || known === words, `${id} has the members ${words} at ${commitIndex}, others ${known}`);
    this.#memberships.set(commitIndex, words);
    if (commitIndex === this.committedCount) this.committedConfiguration = configuration;
  }

  /** By a quorum of those who voted as the entry was committed: within the same step, others may vote since. */
  #checkDurable(node: RaftNode, { configurations }: Core, before: Configuration, index: number, term: number): void {
    const isCommitted = [before, configurations.current].some((configuration) => {
      return isQuorum(configuration, this.#holdersOf(configuration, index, term));
    });
    const holders = this.#holdersOf(configurations.current, index, term).join() || 'no disk';
    const of = describeConfiguration(configurations.current);
    check(isCommitted, `${node.id} committed ${index} of term ${term}, durable on ${holders} only, of ${of}`);
  }

  /** Whoever has lost it since has held it; and those count whom the configuration has admitted. */
  #holdersOf({ electors, admitted }: Configuration, index: number, term: number): NodeId[] {
    return electors.filter((id) => {
      const node = this.#nodes.get(id)!;
      return disksOf(node).some((disk) => disk.incarnation === admitted.get(id) && hasEntry(disk, index, term));
    });
  }

  #checkVote(node: RaftNode, term: number, candidate: NodeId): void {
    const { hardState } = node.disk;
    const isDurable =
      hardState !== null &&
      (hardState.term > term || (hardState.term === asTerm(term) && hardState.votedFor === candidate));
    check(isDurable, `${node.id} votes for ${candidate} in term ${term} before that is durable`);
    const key = `${voterOf(node)}${term}`;
    const known = this.#votes.get(key);
    check(known === undefined || known === candidate, `${node.id} votes twice in term ${term}`);
    this.#votes.set(key, candidate);
    const ballot = this.#ballots.get(`${term} ${candidate}`) ?? new Map<NodeId, Incarnation>();
    this.#ballots.set(`${term} ${candidate}`, ballot.set(node.id, node.incarnation));
  }

  #checkAck(node: RaftNode, to: NodeId, term: number, matchIndex: number, durableTerm: number): void {
    // A later leader may have replaced it while the acknowledgement waited for the disk.
    if (durableTerm > term) return;
    const { disk } = node;
    check(disk.lastIndex >= matchIndex, `${node.id} acknowledges ${matchIndex} before it is durable`);
    const leader = this.#nodes.get(to)?.core;
    if (leader?.role.name !== 'leader' || leader.term !== asTerm(term)) return;
    const expected = leader.log.termAt(logIndex(matchIndex));
    const isTrue = expected === null || matchIndex < disk.snapshotIndex || disk.termAt(matchIndex) === expected;
    check(isTrue, `${node.id} acknowledges ${matchIndex}, but has another entry there`);
  }
}

const INDEX_MAX = 1e7;

function disksOf({ disk, lostDisks }: RaftNode): SimDisk[] {
  return [disk, ...lostDisks];
}

function hasEntry(disk: SimDisk, index: number, term: number): boolean {
  return disk.snapshotIndex >= index || disk.termAt(index) === term;
}

/** A node that has lost its memory is another voter. */
function voterOf({ id, memory }: RaftNode): string {
  return `${id}.${memory} `;
}

function keyOf(index: number, term: number): number {
  return term * INDEX_MAX + index;
}

function fingerprint(kind: number, timestampMs: number, payload: Uint8Array): number {
  let hash = Math.imul(kind + 1, 0x9e3779b1) ^ Math.floor(timestampMs);
  for (const byte of payload) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

function check(holds: boolean, promise: string): void {
  if (!holds) throw new Error(promise);
}
