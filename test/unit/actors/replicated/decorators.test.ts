/** What the decorators mark and refuse when a class is defined, and how marks are inherited. */

import { describe, expect, test } from 'vitest';
import { query, replicated } from '../../../../src/actors/replicated/decorators.js';
import { describeClass } from '../../../../src/actors/replicated/describe-class.js';
import type { MethodKind } from '../../../../src/actors/replicated/method-mark.js';
import { errorOf } from './error-of.js';

function methodsOf(value: unknown): Record<string, MethodKind> {
  return Object.fromEntries(describeClass('thing', value).methods);
}

class Base {
  static readonly module = import.meta.url;
  protected total = 0;
  @replicated add(amount: number): number {
    return (this.total += amount);
  }
  @replicated reset(): void {
    this.total = 0;
  }
  @query get(): number {
    return this.total;
  }
  helper(): void {}
}

describe('marks', () => {
  test('say which methods are commands and which are queries', () => {
    expect(methodsOf(Base)).toEqual({ add: 'replicated', reset: 'replicated', get: 'query' });
  });

  test('leave the methods as they are', () => {
    const base = new Base();

    expect([base.add(2), base.get(), Base.prototype.add.name, Base.prototype.add.length]).toEqual([2, 2, 'add', 1]);
  });

  test('are inherited, also by what overrides a method without a mark', () => {
    class Derived extends Base {
      static override readonly module = import.meta.url;
      override add(amount: number): number {
        return super.add(2 * amount);
      }
      @query double(): number {
        return 2 * this.total;
      }
    }

    expect(methodsOf(Derived)).toEqual({ add: 'replicated', reset: 'replicated', get: 'query', double: 'query' });
    expect(new Derived().add(3)).toBe(6);
    expect(methodsOf(Base)).not.toHaveProperty('double');
  });

  test('are replaced by the mark of an override', () => {
    class Popping extends Base {
      static override readonly module = import.meta.url;
      @replicated override get(): number {
        return this.total--;
      }
    }

    expect(methodsOf(Popping)['get']).toBe('replicated');
    expect(methodsOf(Base)['get']).toBe('query');
  });
});

describe('refused when the class is defined', () => {
  // As a caller without types would call a decorator.
  const decorate = replicated as unknown as (value: unknown, context?: unknown) => unknown;
  const context = { kind: 'method', name: 'save', static: false, private: false };

  const refused: Record<string, [value: unknown, context: unknown, says: string]> = {
    'an async method': [async () => 1, context, 'The replicated method save is async'],
    'a generator': [function* () {}, context, 'save is a generator'],
    'an async generator': [async function* () {}, context, 'save is a generator'],
    'a static method': [() => 1, { ...context, static: true }, 'cannot mark a static method'],
    'a private method': [() => 1, { ...context, name: '#save', private: true }, 'make it public'],
    'a getter': [() => 1, { ...context, kind: 'getter' }, 'is for methods, not for getter definitions'],
    'a setter': [() => 1, { ...context, kind: 'setter' }, 'is for methods, not for setter definitions'],
    'a field': [undefined, { ...context, kind: 'field' }, 'is for methods, not for field definitions'],
    'an accessor': [{}, { ...context, kind: 'accessor' }, 'is for methods, not for accessor definitions'],
    'a class': [
      class {
        x = 1;
      },
      { kind: 'class', name: 'Save' },
      'is for methods, not for class definitions',
    ],
    'a symbol for a name': [() => 1, { ...context, name: Symbol('save') }, 'needs a name that can be called'],
    'a name that handles use': [() => 1, { ...context, name: 'then' }, 'rename it'],
    'the name of a hook': [() => 1, { ...context, name: 'snapshot' }, 'rename it'],
    'a name without end': [() => 1, { ...context, name: 'x'.repeat(129) }, '1 to 128 characters'],
    'a name with half of a character': [() => 1, { ...context, name: 'save\ud83d' }, 'half of a character'],
    'legacy decorators': [{}, 'save', 'switch off experimentalDecorators'],
    'a decorator with empty parentheses': [undefined, undefined, 'without empty parentheses'],
  };

  for (const [name, [value, decoratorContext, says]] of Object.entries(refused)) {
    test(name, async () => {
      const error = await errorOf(() => decorate(value, decoratorContext));

      expect(error.code).toBe('ERR_INVALID_OBJECT');
      expect(error.message).toContain(says);
    });
  }

  test('a method of two versions, of which one would be lost', async () => {
    const error = await errorOf(
      () =>
        class {
          @replicated({ version: 1 }) @replicated add(): void {}
        },
    );

    expect(error.code).toBe('ERR_INVALID_OBJECT');
    expect(error.message).toContain('is marked for another version or command already');
  });

  test('a method of a command whose name has half of a character', async () => {
    const error = await errorOf(
      () =>
        class {
          @replicated({ version: 1, of: 'a\udc00' }) add(): void {}
        },
    );

    expect(error.message).toContain('half of a character');
  });

  test('a method with both marks', async () => {
    const error = await errorOf(
      () =>
        class {
          @query @replicated add(): void {}
        },
    );

    expect(error.message).toBe('The query method add is marked as replicated already: choose one.');
    expect(error.data).toEqual({ method: 'add' });
  });
});
