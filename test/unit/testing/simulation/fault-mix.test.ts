/** Each knob does what it says, nothing else, and a cluster lives through it. */

import { describe, expect, test } from 'vitest';
import {
  FAULT_NAMES,
  FAULTS,
  type FaultMix,
  type FaultName,
} from '../../../../src/testing/simulation/faults/fault-mix.js';
import { runSimulation } from '../../../../src/testing/simulation/run-simulation.js';

const SEEDS_MAX = 12;

/** What must be on for a fault to be possible. */
const NEEDS: Partial<Record<FaultName, Partial<FaultMix>>> = { bereavement: { partition: 3 } };

async function happened(fault: FaultName): Promise<ReadonlyMap<string, number>> {
  const rate = Math.max(...FAULTS[fault].rates);
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const { coverage, violation } = await runSimulation(seed, { nodes: 3, faults: { [fault]: rate, ...NEEDS[fault] } });
    expect(violation).toBeNull();
    if (coverage.of(FAULTS[fault].shows) > 0) return new Map(coverage);
  }
  return new Map();
}

describe('each fault happens when it is on, and no other', { timeout: 60_000 }, () => {
  test.each(FAULT_NAMES)('%s', async (fault) => {
    const counts = await happened(fault);

    const { shows } = FAULTS[fault];
    expect(counts.get(shows)).toBeGreaterThan(0);
    const others = FAULT_NAMES.map((name) => FAULTS[name].shows).filter((each) => each !== shows);
    const needed = Object.keys(NEEDS[fault] ?? {}).map((name) => FAULTS[name as FaultName].shows as string);
    const unwanted = others.filter((each) => counts.has(each) && !needed.includes(each));
    expect(unwanted).toEqual([]);
  });

  test('nothing goes wrong when none is on', async () => {
    const { coverage, violation } = await runSimulation(1, { nodes: 3, faults: {} });

    expect(violation).toBeNull();
    for (const name of FAULT_NAMES) expect(coverage.of(FAULTS[name].shows)).toBe(0);
    expect(coverage.of('leaders elected')).toBeGreaterThan(0);
    expect(coverage.of('calls answered')).toBeGreaterThan(50);
  });
});

test('the same seed gives the same history, whatever came before in this process', async () => {
  const historyOf = async (seed: number): Promise<string[]> => {
    const lines: string[] = [];
    await runSimulation(seed, { trace: (line) => lines.push(line) });
    return lines;
  };

  for (let seed = 1; seed <= 8; seed++) {
    const first = await historyOf(seed);

    expect(first.length).toBeGreaterThan(20);
    expect(await historyOf(seed)).toEqual(first);
  }
}, 60_000);
