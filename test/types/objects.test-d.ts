/** How the types of keys, values and items flow through the ready-made objects. This file is compiled and never run. */

import type { ChangePlace } from '../../src/actors/replicated/changes/change-place.js';
import type { Changes } from '../../src/actors/replicated/changes/changes.js';
import { object } from '../../src/actors/replicated/object-definition.js';
import {
  ReplCounter,
  ReplList,
  ReplMap,
  ReplPriorityQueue,
  ReplQueue,
  ReplSet,
  type CounterChange,
  type ListChange,
  type MapChange,
  type OrderOptions,
  type QueueChange,
  type SetChange,
} from '../../src/actors/replicated/objects/index.js';
import type { HandlesOf, RemoteOf, WaitOptions } from '../../src/actors/replicated/remote-of.js';
import type { Runtime } from '../../src/node/runtime.js';
import { expectEqual } from './equal.js';

interface Job {
  readonly id: string;
  readonly urgency: number;
}

class Jobs extends ReplPriorityQueue<Job> {
  static override readonly module = import.meta.url;
  static override readonly orders = { byId: (a: Job, b: Job) => (a.id < b.id ? -1 : 1) };
}

const definitions = {
  hits: ReplCounter,
  prices: object(ReplMap<string, number>),
  steps: object(ReplList<number>),
  present: object(ReplSet<string>),
  jobs: object(ReplQueue<Job>, { capacity: 100 }),
  urgent: object(ReplPriorityQueue<Job>, { by: 'urgency', order: 'descending', capacity: 5 }),
  own: object(Jobs, { order: 'byId' }),
  anyList: ReplList,
  anySet: ReplSet,
  anyQueue: ReplQueue,
  anyPriorityQueue: ReplPriorityQueue,
};
type Handles = HandlesOf<typeof definitions>;

export function listsKnowTheirItems(): void {
  type Steps = Handles['steps'];
  expectEqual<Steps, RemoteOf<ReplList<number>>>(true);
  expectEqual<Steps['push'], (item: number) => Promise<number>>(true);
  expectEqual<Steps['extend'], (items: readonly number[]) => Promise<number>>(true);
  expectEqual<Steps['at'], (index: number) => Promise<number | undefined>>(true);
  expectEqual<Steps['set'], (index: number, item: number) => Promise<void>>(true);
  expectEqual<Steps['splice'], (start: number, deleteCount?: number, items?: readonly number[]) => Promise<number[]>>(
    true,
  );
  expectEqual<Steps['remove'], (item: number) => Promise<boolean>>(true);
  expectEqual<Steps['indexOf'], (item: number, start?: number) => Promise<number>>(true);
  expectEqual<Steps['slice'], (start?: number, end?: number) => Promise<number[]>>(true);
  expectEqual<Steps['values'], () => Promise<number[]>>(true);
  expectEqual<ReturnType<Handles['anyList']['pop']>, Promise<unknown>>(true);
}

export function setsKnowTheirMembers(): void {
  type Present = Handles['present'];
  expectEqual<Present, RemoteOf<ReplSet<string>>>(true);
  expectEqual<Present['add'], (member: string) => Promise<boolean>>(true);
  expectEqual<Present['update'], (members: ReadonlySet<string> | readonly string[]) => Promise<number>>(true);
  expectEqual<Present['pop'], () => Promise<string | undefined>>(true);
  expectEqual<Present['values'], () => Promise<string[]>>(true);
}

/** A method that can wait: called as it is, and with a signal. */
type Waiting<Args extends readonly unknown[], Now, Later> = ((...args: Args) => Promise<Now>) &
  ((...args: [...Args, WaitOptions]) => Promise<Later>);

export function queuesKnowTheirItems(): void {
  expectEqual<Handles['jobs'], RemoteOf<ReplQueue<Job>>>(true);
  expectEqual<Handles['jobs']['put'], Waiting<[item: Job], boolean, true>>(true);
  expectEqual<Handles['jobs']['take'], Waiting<[], Job | undefined, Job>>(true);
  expectEqual<Handles['urgent'], RemoteOf<ReplPriorityQueue<Job>>>(true);
  expectEqual<Handles['urgent']['put'], Waiting<[item: Job], boolean, true>>(true);
  expectEqual<Handles['urgent']['peek'], () => Promise<Job | undefined>>(true);
  expectEqual<Handles['own']['take'], Waiting<[], Job | undefined, Job>>(true);
}

export async function queuesWaitWhenTheyAreGivenASignal(handles: Handles, signal: AbortSignal): Promise<void> {
  const now = await handles.jobs.take();
  const later = await handles.jobs.take({ signal });
  const hasRoom = await handles.urgent.put({ id: 'a', urgency: 1 }, { signal });
  expectEqual<typeof now, Job | undefined>(true);
  expectEqual<typeof later, Job>(true);
  expectEqual<typeof hasRoom, true>(true);
  // @ts-expect-error: waiting needs a way out
  void handles.jobs.take({});
  // @ts-expect-error: only what can wait is given a signal
  void handles.jobs.clear({ signal });
  // @ts-expect-error: what is told waits for nothing
  handles.jobs.tell.take({ signal });
}

export async function watchingKnowsWhatChanges(handles: Handles, from: ChangePlace): Promise<void> {
  const { hits, prices, steps, present, jobs } = handles;
  const watched = hits.watch();
  expectEqual<typeof watched, Changes<CounterChange>>(true);
  const signal = AbortSignal.timeout(1);
  for await (const change of hits.watch({ signal, from })) expectEqual<typeof change, CounterChange>(true);
  for await (const change of prices.watch('tea')) expectEqual<typeof change, MapChange<string, number>>(true);
  for await (const change of steps.watch()) expectEqual<typeof change, ListChange<number>>(true);
  for await (const change of present.watch()) expectEqual<typeof change, SetChange<string>>(true);
  for await (const change of jobs.watch()) expectEqual<typeof change, QueueChange<Job>>(true);
  for await (const change of prices.watch({ read: 'entries' })) {
    if (change.type === 'state') expectEqual<typeof change.value, [key: string, value: number][]>(true);
    else expectEqual<typeof change, MapChange<string, number>>(true);
  }
  for await (const change of prices.watch('tea', { read: 'get' })) {
    if (change.type === 'state') expectEqual<typeof change.value, number | undefined>(true);
  }
  // @ts-expect-error: a key of the wrong type
  void prices.watch(7);
  // @ts-expect-error: changes of a counter have no key
  void hits.watch('tea');
  // @ts-expect-error: it needs a key
  void prices.watch({ read: 'get' });
  // @ts-expect-error: no such query
  void prices.watch({ read: 'all' });
}

export async function asARuntimeHasThem(runtime: Runtime<typeof definitions>): Promise<void> {
  const { steps, urgent } = runtime.objects;
  const last = await steps.at(-1);
  expectEqual<typeof last, number | undefined>(true);
  const job = await urgent.take();
  expectEqual<typeof job, Job | undefined>(true);
  await steps.sort({ order: 'descending' });

  // @ts-expect-error: an item of another type
  await steps.push('1');
  // @ts-expect-error: one at a time
  await steps.push(1, 2);
  // @ts-expect-error: many as a list
  await steps.splice(0, 1, 5);
  // @ts-expect-error: a closure cannot travel
  await steps.sort((a: number, b: number) => a - b);
  // @ts-expect-error: the state stays with the object
  void steps.items;
  // @ts-expect-error: a hook is for the runtime
  void urgent.snapshot;
}

export function options(): void {
  object(ReplList<Job>);
  const byUrgency: OrderOptions<Job> = { by: 'urgency' };
  object(ReplPriorityQueue<Job>, byUrgency);

  // @ts-expect-error: jobs have no such property
  object(ReplPriorityQueue<Job>, { by: 'age' });
  // @ts-expect-error: a name, not a function
  object(ReplPriorityQueue<Job>, { order: (a: Job, b: Job) => a.urgency - b.urgency });
  // @ts-expect-error: a capacity is a number
  object(ReplQueue<Job>, { capacity: '100' });
  // @ts-expect-error: no such option
  object(ReplQueue<Job>, { maxsize: 100 });
}
