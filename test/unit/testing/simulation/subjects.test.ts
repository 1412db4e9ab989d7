/**
 * What histories are about besides consensus: few are about any, each subject comes about, and all keep every promise.
 */

import { expect, test } from 'vitest';
import { errorOf } from '../../actors/replicated/error-of.js';
import { checkLinearizable } from '../../../../src/testing/linearizability/check-linearizable.js';
import { HistoryRecorder } from '../../../../src/testing/linearizability/history-recorder.js';
import { runSimulation } from '../../../../src/testing/simulation/run-simulation.js';
import { drawSubjects, SUBJECTS, type Subject } from '../../../../src/testing/simulation/subjects.js';
import { cellModel, type CellInput, type CellOutput } from '../../../../src/testing/simulation/workload/cell-model.js';

const SEEDS = Array.from({ length: 1_000 }, (_, i) => i);

test('two of three seeds are about nothing besides, and each subject is that of many', () => {
  const drawn = SEEDS.map(drawSubjects);

  expect(drawn.filter(({ size }) => size === 0).length).toBeGreaterThan(600);
  for (const subject of SUBJECTS) expect(drawn.filter((each) => each.has(subject)).length).toBeGreaterThan(80);
});

test.each<[Subject, readonly string[]]>([
  ['locks', ['locks granted', 'fenced writes', 'claims that waited']],
  ['created objects', ['objects created', 'objects dropped', 'created objects told exists']],
  ['code versions', ['nodes given newer code', 'commands run by version 0']],
  ['elections', ['candidates elected', 'candidates proclaimed something', 'observers told of a leader']],
])('a history about %s does what it is about', { timeout: 30_000 }, async (subject, events) => {
  const { violation, coverage } = await runSimulation(1, { subjects: [subject], durationMs: 400 });

  expect(violation).toBeNull();
  for (const event of events) expect([event, coverage.of(event)]).not.toEqual([event, 0]);
});

test.each([
  [{ subjects: ['lock'] }, 'subjects'],
  [{ subjects: 'locks' }, 'subjects'],
  [{ subject: ['locks'] }, 'subject'],
])('a history is refused that is about %j', async (options, option) => {
  const error = await errorOf(() => runSimulation(1, { durationMs: 1, ...(options as object) }));

  expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', data: { option } });
});

test.each<[string, CellInput, CellOutput]>([
  ['created twice', ['create', 'p', 'SimulationCell', 1], 'done'],
  ['there although nobody has dropped it', ['get', 'p', 'SimulationCell'], 'missing'],
  ['of another class', ['get', 'p', 'SimulationTally'], 1],
])('a created object must not be %s', (_what, input, output) => {
  const recorder = new HistoryRecorder<CellInput, CellOutput>();
  recorder.answered(recorder.call('ann', ['create', 'p', 'SimulationCell', 1]), 'done');
  recorder.answered(recorder.call('bob', input), output);

  expect(checkLinearizable(cellModel, recorder.calls()).kind).toBe('notLinearizable');
});

test('a created object ends with its drop, and begins anew', () => {
  const recorder = new HistoryRecorder<CellInput, CellOutput>();
  const told: readonly (readonly [CellInput, CellOutput])[] = [
    [['create', 'p', 'SimulationCell', 1], 'done'],
    [['create', 'p', 'SimulationTally', 1], 'exists'],
    [['add', 'p', 'SimulationCell', 2], 3],
    [['drop', 'p'], 'done'],
    [['drop', 'p'], 'missing'],
    [['add', 'p', 'SimulationCell', 2], 'missing'],
    [['create', 'p', 'SimulationTally', 7], 'done'],
    [['get', 'p', 'SimulationTally'], 7],
  ];
  for (const [input, output] of told) recorder.answered(recorder.call('ann', input), output);

  expect(checkLinearizable(cellModel, recorder.calls()).kind).toBe('linearizable');
});
