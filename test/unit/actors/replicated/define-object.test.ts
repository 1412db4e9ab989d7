/** Classes of plain JavaScript end up described as decorated ones do. */

import { describe, expect, test } from 'vitest';
import { defineObject } from '../../../../src/actors/replicated/define-object.js';
import { describeClass } from '../../../../src/actors/replicated/describe-class.js';
import { errorOf } from './error-of.js';

const module = import.meta.url;

function newAccount() {
  return class Account {
    balance = 0;
    deposit(amount: number) {
      return (this.balance += amount);
    }
    get() {
      return this.balance;
    }
    async save() {}
    get twice() {
      return 2 * this.balance;
    }
  };
}

test('methods are marked, and the class is the same', () => {
  const Account = newAccount();

  const defined = defineObject(Account, { module, replicated: ['deposit'], queries: ['get'] });

  expect(defined).toBe(Account);
  expect(defined.module).toBe(module);
  expect(Object.fromEntries(describeClass('acct', Account).methods)).toEqual({ deposit: 'replicated', get: 'query' });
});

test('an inherited method is marked for the class only, and follows the base class', () => {
  const Base = newAccount();
  class Derived extends Base {}
  class Other extends Base {}

  defineObject(Derived, { module, replicated: ['deposit'] });
  defineObject(Other, { module, queries: ['get'] });

  expect([...describeClass('derived', Derived).methods]).toEqual([['deposit', 'replicated']]);
  expect([...describeClass('other', Other).methods]).toEqual([['get', 'query']]);
  expect(new Derived().deposit(5)).toBe(5);
});

test('a class whose base is defined too needs to name only what it adds', () => {
  const Base = defineObject(newAccount(), { module, replicated: ['deposit'], queries: ['get'] });
  class Derived extends Base {
    override deposit(amount: number) {
      return super.deposit(amount + 1);
    }
    reset() {
      this.balance = 0;
    }
  }

  defineObject(Derived, { module: 'file:///derived.js', replicated: ['reset'] });

  const { methods, module: where } = describeClass('derived', Derived);
  expect(Object.fromEntries(methods)).toEqual({ deposit: 'replicated', get: 'query', reset: 'replicated' });
  expect(where).toBe('file:///derived.js');
  expect(new Derived().deposit(1)).toBe(2);
});

describe('refused', () => {
  // As a caller without types would call it.
  const define = defineObject as unknown as (value: unknown, description?: unknown) => unknown;
  const refused: Record<string, [value: unknown, description: unknown, says: string]> = {
    'what is no class': [{}, { module }, 'not given a class'],
    'no description': [newAccount(), undefined, 'needs a description'],
    'no module': [newAccount(), { replicated: ['deposit'] }, 'needs module: import.meta.url'],
    'a module that is a path': [newAccount(), { module: './account.js' }, './account.js is no URL of a file'],
    'what descriptions do not have': [
      newAccount(),
      { module, query: ['get'] },
      'query, which is not part of a description; there are module, replicated, queries',
    ],
    'another module': [
      class {
        static module = 'file:///a.js';
        get(): void {}
      },
      { module: 'file:///b.js' },
      'has a static module already',
    ],
    'a method that is not there': [newAccount(), { module, replicated: ['withdraw'] }, 'has no method withdraw'],
    'a field': [newAccount(), { module, queries: ['balance'] }, 'has no method balance'],
    'a getter': [newAccount(), { module, queries: ['twice'] }, 'has twice, which is not a method'],
    'an async method': [newAccount(), { module, replicated: ['save'] }, 'The replicated method save is async'],
    'an inherited async method': [class extends newAccount() {}, { module, replicated: ['save'] }, 'save is async'],
    'both marks': [newAccount(), { module, replicated: ['get'], queries: ['get'] }, 'choose one'],
    'the constructor': [newAccount(), { module, replicated: ['constructor'] }, 'rename it'],
    'a name that is no string': [newAccount(), { module, replicated: [1] }, 'a method name that is a number'],
    'names that are no list': [newAccount(), { module, replicated: 'deposit' }, 'not a list of method names'],
  };

  for (const [name, [value, description, says]] of Object.entries(refused)) {
    test(name, async () => {
      const error = await errorOf(() => define(value, description));

      expect(error.code).toBe('ERR_INVALID_OBJECT');
      expect(error.message).toContain(says);
    });
  }
});
