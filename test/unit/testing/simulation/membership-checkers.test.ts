/** Those who watch over changes of members see the rule that is broken, and nothing where all is as it should be. */

import { beforeEach, describe, expect, test } from 'vitest';
import { configurationOf, type Configuration, type Learner } from '../../../../src/actors/raft/configuration.js';
import { configurationContent, encodeConfiguration } from '../../../../src/actors/raft/configuration-entry.js';
import {
  completed,
  demoting,
  promoting,
  withAdmission,
  withLearner,
} from '../../../../src/actors/raft/configuration-steps.js';
import type { Core } from '../../../../src/actors/raft/state.js';
import { logIndex, term, type NodeId } from '../../../../src/ids.js';
import type { AdmittedMembers } from '../../../../src/testing/simulation/checkers/admitted-members.js';
import type { Checker, CheckerContext, ObservedNode } from '../../../../src/testing/simulation/checkers/checker.js';
import { ConfigurationInEffect } from '../../../../src/testing/simulation/checkers/configuration-in-effect.js';
import { LeftOut } from '../../../../src/testing/simulation/checkers/left-out.js';
import { LogHistory } from '../../../../src/testing/simulation/checkers/log-history.js';
import { Removals } from '../../../../src/testing/simulation/checkers/removals.js';
import { MembershipSteps } from '../../../../src/testing/simulation/checkers/membership-steps.js';
import { StatedConfiguration } from '../../../../src/testing/simulation/checkers/stated-configuration.js';
import { DurableLog } from '../../../../src/testing/simulation/durable-log.js';
import { A, B, blockOf, C, D, entriesOf, GROUP, lifeOf, Subject } from '../../actors/raft/roles/fixture.js';

/** These, in their first lives. */
function firstLives(...ids: readonly NodeId[]): Configuration['admitted'] {
  return new Map(ids.map((id) => [id, lifeOf(id)]));
}

const FOUNDED = configurationOf({
  voters: [A, B, C],
  rule: 'majority',
  old: null,
  learners: [],
  admitted: firstLives(A, B, C),
});
const LEARNER: Learner = { id: D, replaces: null };
const WITH_LEARNER = withLearner(FOUNDED, LEARNER);

let broken: string[];
let node: ObservedNode;
let nodes: Map<NodeId, ObservedNode>;
let checkers: Checker[];
let core: Core;

/** A node whose log begins with what founds its cluster. */
beforeEach(() => {
  broken = [];
  const report = (promise: string, what: string): void => void broken.push(`${promise}: ${what}`);
  const history = new LogHistory(report, null);
  nodes = new Map();
  const context: CheckerContext = { nodes, history, nowMs: () => 0, report };
  const steps = new MembershipSteps(context);
  history.configurations.whenStated((of, stated) => steps.stated(of, stated));
  checkers = [history, new ConfigurationInEffect(context), new LeftOut(context)];
  ({ core } = new Subject({ self: A, admissions: [] }));
  node = { id: A, core, durable: null, lost: [], place: null, openedAtMs: 0 };
  append(FOUNDED);
});

function look(type: 'tick' | 'flush' = 'tick'): void {
  for (const checker of checkers) checker.stepped!(node, core, { type });
}

/** The node's log holds this next, and the node goes by it. */
function append(configuration: Configuration, inEffect = configuration): void {
  const index = core.log.append(configurationContent(configuration), term(1), 0);
  core.configurations.appended(index, configurationContent(inEffect).payload);
  look();
}

/** What is behind the first entry has given way to something else. */
function cutOff(): void {
  core.log.truncateAfter(logIndex(1));
  core.log.append(blockOf(1), term(2), 0);
}

/** The disk of `id` has so many entries. */
function hold(id: NodeId, entries: number): void {
  const durable = new DurableLog(lifeOf(id));
  const terms = Array.from({ length: entries }, () => 1);
  durable.stored({
    type: 'storeLog',
    group: GROUP,
    request: 1,
    hardState: null,
    reset: null,
    append: { firstIndex: logIndex(1), lastIndex: logIndex(entries), entries: entriesOf(1, terms).slice().buffer },
  });
  nodes.set(id, { id, core: null, durable, lost: [], place: null, openedAtMs: 0 });
}

describe('a step', () => {
  test.each<[string, (founded: Configuration) => Configuration]>([
    ['makes a learner', (founded) => withLearner(founded, LEARNER)],
    ['begins to remove a voter', (founded) => demoting(founded, C)],
    ['strikes off an incarnation', (founded) => withAdmission(founded, C, null)],
  ])('%s', (_, next) => {
    append(next(FOUNDED));

    expect(broken).toEqual([]);
  });

  test('begins to let in a learner that has the entry which has made it one, and the next one ends that', () => {
    hold(D, 2);
    append(WITH_LEARNER);
    const joint = promoting(WITH_LEARNER, LEARNER, lifeOf(D));
    append(joint);
    append(completed(joint));

    expect(broken).toEqual([]);
  });

  test.each<[string, (founded: Configuration) => Configuration]>([
    [
      'voters without C_old,new',
      (founded) => configurationOf({ ...founded, voters: [A, B], admitted: firstLives(A, B) }),
    ],
    ['two voters at once', (founded) => configurationOf({ ...demoting(founded, C), voters: [A], rule: 'majority' })],
    ['an incarnation for another', (founded) => withAdmission(founded, C, lifeOf(C, 2))],
    ['the new set of C_old,new', (founded) => configurationOf({ ...demoting(founded, C), admitted: firstLives(A, B) })],
  ])('does not change %s', (_, next) => {
    append(next(FOUNDED));

    expect(broken).toEqual([expect.stringMatching(/^membership: .* in one step, at 2$/)]);
  });

  test('does not give a learner a vote that does not know that it is one', () => {
    hold(D, 1);
    append(WITH_LEARNER);

    append(promoting(WITH_LEARNER, LEARNER, lifeOf(D)));

    expect(broken).toEqual([
      'membership: a gives d a vote at 3, which has not got the entry 2 that has made it a learner',
    ]);
  });
});

describe('the configuration in effect', () => {
  test('is the last one in the log, and the one before again once that is cut off', () => {
    append(WITH_LEARNER);
    cutOff();
    core.configurations.truncateAfter(logIndex(1));
    look();

    expect(broken).toEqual([]);
  });

  test('is not an older one', () => {
    append(WITH_LEARNER, FOUNDED);

    expect(broken).toEqual([expect.stringContaining('members: a goes by quorums of a,b,c, admitted')]);
  });

  test('is not one that was cut off', () => {
    append(WITH_LEARNER);
    cutOff();
    look();

    expect(broken).toEqual([expect.stringContaining('members: a goes by quorums of a,b,c with learners d')]);
  });
});

describe('a node that has no vote', () => {
  const WITHOUT_A = completed(demoting(FOUNDED, A));

  beforeEach(() => {
    append(demoting(FOUNDED, A));
    append(WITHOUT_A);
  });

  test.each(['preCandidate', 'candidate'] as const)('does not become a %s once it knows that', (name) => {
    core.commitIndex = core.log.lastIndex;
    core.role = { name, granted: new Map() };
    look();

    expect(broken).toEqual([`membership: a has no vote, knows it, and is ${name} in term 0`]);
  });

  test('may campaign as long as that may be cut off again', () => {
    core.role = { name: 'preCandidate', granted: new Map() };
    look();

    expect(broken).toEqual([]);
  });
});

describe('a node that says that it was removed', () => {
  const OTHERS = configurationOf({ ...FOUNDED, voters: [B, C], admitted: firstLives(B, C) });

  /** Those who belong to the cluster by what is committed from each index on; the node knows the first of them. */
  function says(...committed: readonly Configuration[]): void {
    const stated = committed.map((each) => new StatedConfiguration(encodeConfiguration(each)));
    const admitted = { since: (index: number) => stated.slice(index) } as unknown as AdmittedMembers;
    const report = (promise: string, what: string): void => void broken.push(`${promise}: ${what}`);
    const removals = new Removals({ nodes, history: null!, nowMs: () => 0, report }, admitted);
    core.commitIndex = logIndex(0);
    core.effects.push({ type: 'removed' });
    for (let step = 0; step < 2; step++) removals.stepped(node, core);
  }

  test('may have been let in again since it has come to know that', () => {
    says(OTHERS, FOUNDED);

    expect(broken).toEqual([]);
  });

  test('was removed by something committed', () => {
    says(FOUNDED);

    expect(broken).toEqual([`members: ${A} stops, and nothing committed says that it was removed`]);
  });
});
