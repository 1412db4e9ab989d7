/** What handles are to the compiler. This file is compiled and never run. */

import type { CallOptions, HandlesOf, RemoteOf, TellOf } from '../../src/actors/replicated/remote-of.js';
import { object } from '../../src/actors/replicated/object-definition.js';
import { ReplCounter } from '../../src/actors/replicated/objects/counter.js';
import { ReplMap } from '../../src/actors/replicated/objects/map.js';
import { expectEqual } from './equal.js';

declare class Account {
  static readonly module: string;
  readonly owner: string;
  deposit(amount: number, note?: string): number;
  transfer(...amounts: number[]): void;
  find(id: string): { id: string } | undefined;
  // oxlint-disable-next-line typescript/no-explicit-any -- it is no promise
  anything(): any;
  fetch(url: string): Promise<string>;
  maybeFetch(): number | Promise<number>;
  pick<Key extends 'a' | 'b'>(key: Key): Key;
  over(value: string): string;
  over(value: number): number;
  snapshot(): unknown;
  restore(state: unknown): void;
  private audit(): void;
  protected check(): void;
  get balance(): number;
}
declare class Queue<Item> {
  constructor(options: { capacity: number }, name?: string);
  static readonly module: string;
  put(item: Item): boolean;
  get(): Item | undefined;
}
declare class NoModule {
  get(): number;
}
interface Job {
  readonly id: string;
}

declare const acct: RemoteOf<Account>;
declare const options: CallOptions;

export function methodsArePromisified(): void {
  expectEqual<typeof acct.deposit, (amount: number, note?: string) => Promise<number>>(true);
  expectEqual<typeof acct.transfer, (...amounts: number[]) => Promise<void>>(true);
  expectEqual<typeof acct.find, (id: string) => Promise<{ id: string } | undefined>>(true);
  // oxlint-disable-next-line typescript/no-explicit-any -- it is no promise
  expectEqual<typeof acct.anything, () => Promise<any>>(true);
  // @ts-expect-error: an argument of the wrong type
  void acct.deposit('5');
  // @ts-expect-error: an argument is missing
  void acct.deposit();
  // @ts-expect-error: an argument too many
  void acct.find('id', 1);
}

export function whatHandlesDoNotHave(): void {
  // @ts-expect-error: no such member
  void acct.withdraw;
  // @ts-expect-error: fields stay with the object
  void acct.owner;
  // @ts-expect-error: accessors too
  void acct.balance;
  // @ts-expect-error: private methods are not for callers
  void acct.audit;
  // @ts-expect-error: protected ones neither
  void acct.check;
  // @ts-expect-error: a hook is for the runtime
  void acct.snapshot;
  // @ts-expect-error: a hook is for the runtime
  void acct.restore;
  // @ts-expect-error: a handle is read-only
  acct.deposit = async () => 1;
}

export function asyncMethodsCannotBeCalled(): void {
  // @ts-expect-error: an async method
  void acct.fetch('url');
  // @ts-expect-error: a method that is async at times
  void acct.maybeFetch();
  // @ts-expect-error: an async method cannot be told either
  acct.tell.fetch('url');
}

export function genericMethodsAndOverloadsDegrade(): void {
  expectEqual<typeof acct.pick, (key: 'a' | 'b') => Promise<'a' | 'b'>>(true);
  expectEqual<typeof acct.over, (value: number) => Promise<number>>(true);
}

export function controls(): void {
  expectEqual<ReturnType<typeof acct.with>, RemoteOf<Account>>(true);
  expectEqual<typeof acct.tell, TellOf<Account>>(true);
  expectEqual<typeof acct.tell.deposit, (amount: number, note?: string) => void>(true);
  void acct
    .with({ consistency: 'local', timeoutMs: 500, signal: new AbortController().signal })
    .with(options)
    .find('id');
  // @ts-expect-error: no such consistency
  acct.with({ consistency: 'eventual' });
  // @ts-expect-error: no such option
  acct.with({ timeout: 500 });
  // @ts-expect-error: what is told cannot be waited for
  void acct.tell.deposit(5).then(undefined);
  // @ts-expect-error: options are given before tell
  void acct.tell.with;
}

export function handlesOfDefinitions(): void {
  const definitions = {
    acct: object(ReplMap<string, number>),
    hits: ReplCounter,
    anyMap: ReplMap,
    jobs: object(Queue<Job>, { capacity: 100 }),
  };
  type Handles = HandlesOf<typeof definitions>;

  expectEqual<Handles['acct'], RemoteOf<ReplMap<string, number>>>(true);
  expectEqual<Handles['acct']['set'], (key: string, value: number) => Promise<void>>(true);
  expectEqual<Handles['acct']['entries'], () => Promise<[key: string, value: number][]>>(true);
  expectEqual<Handles['hits'], RemoteOf<ReplCounter>>(true);
  expectEqual<Handles['hits']['add'], (amount: number) => Promise<number>>(true);
  expectEqual<Handles['anyMap']['get'], (key: string | number | bigint | boolean) => Promise<unknown>>(true);
  expectEqual<Handles['jobs']['put'], (item: Job) => Promise<boolean>>(true);
  expectEqual<Handles['jobs']['get'], () => Promise<Job | undefined>>(true);
  expectEqual<keyof Handles, 'acct' | 'hits' | 'anyMap' | 'jobs'>(true);
}

/** As `Runtime.start` infers them. */
declare function start<const Definitions extends Parameters<typeof accept>[0]>(
  objects: Definitions,
): HandlesOf<Definitions>;
declare function accept(
  definitions: import('../../src/actors/replicated/object-definition.js').ObjectDefinitions,
): void;

export async function definitionsAsOptions(): Promise<void> {
  const handles = start({ hits: ReplCounter, jobs: object(Queue<Job>, { capacity: 1 }, 'name'), maps: ReplMap });
  expectEqual<typeof handles.jobs, RemoteOf<Queue<Job>>>(true);
  const job = await handles.jobs.get();
  expectEqual<typeof job, Job | undefined>(true);

  // @ts-expect-error: its constructor needs arguments
  start({ jobs: Queue });
  // @ts-expect-error: it does not say where it can be loaded from
  start({ some: NoModule });
  // @ts-expect-error: an instance is no class
  start({ some: new ReplCounter() });
  // @ts-expect-error: a required argument is missing
  object(Queue<Job>);
  // @ts-expect-error: an argument of the wrong type
  object(Queue<Job>, { capacity: '100' });
  // @ts-expect-error: it does not say where it can be loaded from
  object(NoModule);
  // @ts-expect-error: keys are compared by value
  object(ReplMap<object, number>);
}

/** Handles of classes with type parameters can be used by functions that have type parameters. */
export async function first<V>(map: RemoteOf<ReplMap<string, V[]>>): Promise<V | undefined> {
  return (await map.get('list'))?.[0];
}
