/** What the objects themselves are to the compiler. This file is compiled and never run. */

import { object } from '../../src/actors/replicated/object-definition.js';
import { ReplCounter } from '../../src/actors/replicated/objects/counter.js';
import { ReplMap } from '../../src/actors/replicated/objects/map.js';
import type { Runtime } from '../../src/node/runtime.js';
import { expectEqual } from './equal.js';

const objects = { hits: ReplCounter, prices: object(ReplMap<string, number>) };
declare const runtime: Runtime<typeof objects>;

const hits = runtime.local('hits');
expectEqual<typeof hits, ReplCounter>(true);
const prices = runtime.local('prices');
expectEqual<typeof prices, ReplMap<string, number>>(true);
// No promise: it is the instance.
const count: number = runtime.local('hits').get();
void count;

// @ts-expect-error -- there is no such object
runtime.local('costs');

// A runtime of any objects can be handed to who does not mind which they are.
const anyRuntime: Runtime = runtime;
void anyRuntime;
