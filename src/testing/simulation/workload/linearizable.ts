/**
 * Are the histories of a simulation's objects linearizable? A search that takes too long is given up and counted, for a
 * history with many calls of unknown outcome may have too many explanations to look through.
 */

import { checkLinearizable } from '../../linearizability/check-linearizable.js';
import type { HistoryCall } from '../../linearizability/history.js';
import { counterModel } from '../../linearizability/models/counter-model.js';
import { journalModel } from '../../linearizability/models/journal-model.js';
import { lockModel } from '../../linearizability/models/lock-model.js';
import { mapModel } from '../../linearizability/models/map-model.js';
import { registerModel } from '../../linearizability/models/register-model.js';
import type { SequentialModel } from '../../linearizability/sequential-model.js';
import type { Coverage } from '../coverage.js';
import type { Violations } from '../violations.js';
import type { Histories } from './histories.js';

/** About a tenth of a second. */
const WORK_MAX = 100_000;

export function judgeHistories(histories: Histories, violations: Violations, coverage: Coverage): void {
  const judge = <State, Input, Output>(
    model: SequentialModel<State, Input, Output>,
    calls: readonly HistoryCall<Input, Output>[],
  ): void => {
    const verdict = checkLinearizable(model, calls, { workMax: WORK_MAX });
    coverage.count(`histories of a ${model.name}: ${verdict.kind}`);
    if (verdict.kind === 'notLinearizable') violations.report('linearizability', verdict.explanation);
  };
  judge(counterModel(), histories.counter.calls());
  judge(journalModel<string>(), histories.journal.calls());
  judge(lockModel(), histories.lock.calls());
  judge(mapModel<number>(), histories.map.calls());
  judge(registerModel(0), histories.register.calls());
}
