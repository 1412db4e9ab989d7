/** Waits until all processes hold the same state, which they must soon after the load has ended. Runs in the parent. */

import { setTimeout as delay } from 'node:timers/promises';

const TIMEOUT_MS = 20_000;
const POLL_MS = 20;

/**
 * Resolves with the state once every process has it and `isWhole` says that nothing is missing. Rejects, naming the
 * states, when that takes longer than 20 s: the processes differ.
 */
export async function sameState<State>(
  readAll: () => Promise<readonly State[]>,
  isWhole: (state: State) => boolean,
): Promise<State> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const states = await readAll();
    const [first, ...others] = states.map((state) => JSON.stringify(state));
    if (others.every((other) => other === first) && isWhole(states[0]!)) return states[0]!;
    if (performance.now() > deadline)
      throw new Error(`The processes do not hold the same state: ${JSON.stringify(states)}`);
    await delay(POLL_MS);
  }
}
