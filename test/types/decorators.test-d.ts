/** What the decorators and `defineObject` refuse at compile time. This file is compiled and never run. */

import { query, replicated } from '../../src/actors/replicated/decorators.js';
import { defineObject } from '../../src/actors/replicated/define-object.js';
import { object } from '../../src/actors/replicated/object-definition.js';
import type { ObjectOf, RemoteOf } from '../../src/actors/replicated/remote-of.js';
import { expectEqual } from './equal.js';

export class Fine<V> {
  static readonly module = import.meta.url;
  private readonly list: V[] = [];
  @replicated push(...values: V[]): number {
    return this.list.push(...values);
  }
  @replicated fail(): never {
    throw new Error('always');
  }
  @replicated protected hidden(): void {}
  @query get(index: number): V | undefined {
    return this.list[index];
  }
  @query summary(): { all: V[]; first: V | undefined } {
    return { all: this.list, first: this.list[0] };
  }
  // oxlint-disable-next-line typescript/no-explicit-any -- it is no promise
  @query anything(): any {
    return this.list;
  }
  @query pick<Key extends keyof V>(index: number, key: Key): V[Key] | undefined {
    return this.list[index]?.[key];
  }
  over(value: string): string;
  over(value: number): number;
  @query over(value: unknown): unknown {
    return value;
  }
}

export class Refused<V> {
  // @ts-expect-error: async
  @replicated async save(): Promise<void> {}
  // @ts-expect-error: async
  @query async load(): Promise<number> {
    return 1;
  }
  // @ts-expect-error: async at times
  @replicated maybe(): number | Promise<number> {
    return 1;
  }
  // @ts-expect-error: async
  @query async some(value: V): Promise<V> {
    return value;
  }
  // @ts-expect-error: a thenable is a promise too
  @query thenable(value: V): PromiseLike<V> {
    return Promise.resolve(value);
  }
  // @ts-expect-error: static
  @replicated static count(): void {}
  // @ts-expect-error: private
  @replicated #secret(): void {}
  // @ts-expect-error: an accessor
  @query get value(): number {
    return 1;
  }
  // @ts-expect-error: a field
  @replicated field = (): void => {};
  // @ts-expect-error: a symbol for a name
  @query [Symbol.iterator](): void {}
  // @ts-expect-error: a version is a number
  @replicated({ version: '1' }) later(): void {}
  // @ts-expect-error: async, whatever the version
  @replicated({ version: 1, of: 'later' }) async laterV1(): Promise<void> {}
  // @ts-expect-error: an option that there is not
  @replicated({ version: 1, from: 'later' }) laterV2(): void {}
  useSecret(): void {
    this.#secret();
  }
}

// @ts-expect-error: not for classes
@replicated
export class Whole {
  readonly size = 1;
}

class Plain {
  balance = 0;
  deposit(amount: number): number {
    return (this.balance += amount);
  }
  async save(): Promise<void> {}
  get(): number {
    return this.balance;
  }
}
const module = import.meta.url;

export function defined(): void {
  const Account = defineObject(Plain, { module, replicated: ['deposit'], queries: ['get'] });
  expectEqual<InstanceType<typeof Account>, Plain>(true);
  const definition = object(Account);
  expectEqual<RemoteOf<ObjectOf<typeof definition>>['deposit'], (amount: number) => Promise<number>>(true);

  // @ts-expect-error: no such method
  defineObject(Plain, { module, replicated: ['withdraw'] });
  // @ts-expect-error: a field
  defineObject(Plain, { module, queries: ['balance'] });
  // @ts-expect-error: async
  defineObject(Plain, { module, replicated: ['save'] });
  // @ts-expect-error: no module
  defineObject(Plain, { replicated: ['deposit'] });
}
