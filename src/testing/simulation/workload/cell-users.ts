/**
 * Those who create objects on a simulated cluster, call, watch and drop them. In the end, all that they were told is
 * judged.
 */

import { checkLinearizable } from '../../linearizability/check-linearizable.js';
import { HistoryRecorder } from '../../linearizability/history-recorder.js';
import type { RunContext, RunUsers } from '../cluster-run.js';
import type { Dice } from '../dice.js';
import type { SimulationObjects } from '../objects/simulation-objects.js';
import type { Member } from '../member.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { SimulatedNode } from '../simulated-node.js';
import { CELL_NAMES } from '../objects/simulation-cell.js';
import { CellClient } from './cell-client.js';
import { CellWatcher, type LeftOff } from './cell-watcher.js';
import { cellModel, type CellInput, type CellOutput } from './cell-model.js';
import { UserCrowd } from './user-crowd.js';

const THINK_MS = [
  [2, 20],
  [5, 80],
] as const;
/** About a tenth of a second. */
const WORK_MAX = 100_000;

export class CellUsers implements RunUsers<SimulationObjects> {
  readonly done = null;
  readonly #context: RunContext<SimulationObjects>;
  readonly #dice: Dice;
  readonly #crowd: UserCrowd;
  readonly #history = new HistoryRecorder<CellInput, CellOutput>();
  readonly #watchers = new Map<SimulatedNode<SimulationObjects>, CellWatcher>();
  readonly #leftOff: LeftOff[] = [];

  constructor(context: RunContext<SimulationObjects>) {
    const { host, violations, shape } = context;
    this.#context = context;
    this.#dice = host.dice.fork();
    const [min, max] = this.#dice.oneOf(THINK_MS);
    this.#crowd = new UserCrowd(this.#dice.fork(), [shape.pace * min, shape.pace * max], violations);
  }

  begin(): void {}

  join({ node }: Member<SimulationObjects>, life: string): void {
    if (node === null || this.#crowd.isOver) return;
    const client = this.#clientOf(node, `${life}.creator`);
    this.#crowd.join(node, () => client.act());
    const watcher = this.#watcherOf(node, `${life}.watcher`);
    this.#watchers.set(node, watcher);
    this.#crowd.join(node, () => watcher.act());
  }

  leave({ node }: Member<SimulationObjects>): void {
    this.#crowd.leave(node);
    if (node !== null) this.#watchers.delete(node);
  }

  end(): Promise<void> {
    return this.#crowd.end();
  }

  async judge({ belonging }: SimulatedCluster<SimulationObjects>): Promise<void> {
    const { host, violations } = this.#context;
    const last = this.#clientOf(belonging[0]!.node!, 'the end');
    for (const name of CELL_NAMES) await last.look(name);
    const verdict = checkLinearizable(cellModel, this.#history.calls(), { workMax: WORK_MAX });
    host.coverage.count(`histories of a ${cellModel.name}: ${verdict.kind}`);
    if (verdict.kind === 'notLinearizable') violations.report('linearizability', verdict.explanation);
    for (const { node } of belonging) await this.#watchers.get(node!)?.judge();
  }

  #watcherOf(node: SimulatedNode<SimulationObjects>, life: string): CellWatcher {
    const { host, violations } = this.#context;
    const { coverage } = host;
    const dice = this.#dice.fork();
    return new CellWatcher({ life, runtime: node.runtime!, dice, leftOff: this.#leftOff, coverage, violations });
  }

  #clientOf(node: SimulatedNode<SimulationObjects>, name: string): CellClient {
    const { host, violations, trace } = this.#context;
    return new CellClient({
      name,
      runtime: node.runtime!,
      dice: this.#dice.fork(),
      history: this.#history,
      coverage: host.coverage,
      violations,
      trace,
    });
  }
}
