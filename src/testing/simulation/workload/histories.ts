/** What clients of a simulation have asked for and been told, of each object; judged at the end. */

import { ExactlyOnceOracle } from '../../linearizability/exactly-once-oracle.js';
import { HistoryRecorder } from '../../linearizability/history-recorder.js';
import type { CounterInput } from '../../linearizability/models/counter-model.js';
import type { JournalInput, JournalOutput } from '../../linearizability/models/journal-model.js';
import type { LockInput, LockOutput } from '../../linearizability/models/lock-model.js';
import type { MapInput, MapOutput } from '../../linearizability/models/map-model.js';
import type { RegisterInput, RegisterOutput } from '../../linearizability/models/register-model.js';
import { SessionOrderOracle } from '../../linearizability/session-order-oracle.js';

export class Histories {
  readonly counter = new HistoryRecorder<CounterInput, number>();
  readonly journal = new HistoryRecorder<JournalInput<string>, JournalOutput<string>>();
  readonly lock = new HistoryRecorder<LockInput, LockOutput>();
  readonly map = new HistoryRecorder<MapInput<number>, MapOutput<number>>();
  readonly register = new HistoryRecorder<RegisterInput<number>, RegisterOutput<number>>();
  readonly exactlyOnce = new ExactlyOnceOracle();
  readonly order = new SessionOrderOracle();
  #ids = 0;

  /** What tells a command from all others. */
  newId(client: string): string {
    this.#ids += 1;
    return `${client}#${this.#ids}`;
  }
}
