/** What a runtime refuses at compile time. This file is compiled and never run. */

import type { Runtime } from '../../src/node/runtime.js';
import type { Health } from '../../src/node/health.js';
import type { ObjectsEvent } from '../../src/node/objects-event.js';
import type { ReplCounter } from '../../src/actors/replicated/objects/index.js';
import { expectEqual } from './equal.js';

export function listened(runtime: Runtime<{ hits: typeof ReplCounter }>): void {
  runtime.on('leader', (leader) => expectEqual<typeof leader, string | null>(true));
  runtime.once('objects', (event) => expectEqual<typeof event, ObjectsEvent>(true));
  expectEqual<ReturnType<typeof runtime.status>['health'], Health>(true);

  // @ts-expect-error: misspelt
  runtime.on('leadr', () => {});
  // @ts-expect-error: misspelt
  runtime.once('redy', () => {});
  // @ts-expect-error: misspelt
  runtime.off('roles', () => {});
  // @ts-expect-error: what is told is no number
  runtime.on('leader', (leader: number) => leader);
  // @ts-expect-error: misspelt
  void runtime.objects.hist;
}
