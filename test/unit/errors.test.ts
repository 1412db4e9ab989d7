import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConclaveError, ERROR_CODES, fromPlainError, toPlainError, type PlainError } from '../../src/errors.js';

const throughThread = (plain: PlainError): PlainError => structuredClone(plain);

describe('an error that crosses threads', () => {
  test.each(ERROR_CODES)('%s is rebuilt from its code', (code) => {
    const error = new ConclaveError(code, 'what happened', { data: { path: 'args[0]' }, mayBeApplied: true });

    const rebuilt = fromPlainError(throughThread(toPlainError(error))) as ConclaveError;

    expect(rebuilt).toBeInstanceOf(ConclaveError);
    const { message, data, mayBeApplied, retrySafe } = error;
    expect(rebuilt).toMatchObject({ code, message, data, mayBeApplied, retrySafe });
  });

  test('keeps the class of a built-in error, its message, code and cause', () => {
    const error = Object.assign(new RangeError('too small', { cause: new TypeError('because') }), { code: 'EMINE' });

    const rebuilt = fromPlainError(throughThread(toPlainError(error))) as RangeError & { code: string };

    expect(rebuilt).toBeInstanceOf(RangeError);
    expect(rebuilt.message).toBe('too small');
    expect(rebuilt.code).toBe('EMINE');
    expect(rebuilt.cause).toBeInstanceOf(TypeError);
  });

  test('is an Error with the name of its class, where the class is unknown here', () => {
    class Overdrawn extends Error {
      override readonly name = 'Overdrawn';
    }

    const rebuilt = fromPlainError(throughThread(toPlainError(new Overdrawn('by 5'))));

    expect(rebuilt).toBeInstanceOf(Error);
    expect(rebuilt.name).toBe('Overdrawn');
  });

  test('does not follow a cycle of causes for ever', () => {
    const error = new Error('a');
    error.cause = error;

    const plain = toPlainError(error);

    expect(() => structuredClone(plain)).not.toThrow();
  });

  test.each([undefined, null, 'text', 7, Object.create(null)])('may have been thrown as %s', (thrown) => {
    expect(fromPlainError(toPlainError(thrown))).toBeInstanceOf(Error);
  });
});

test('docs/errors.md lists every code with its answers', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(ERR_\w+)` \| (yes|no) \| (yes|no) \|/gm)];

  const documented = rows.map(([, code, mayBeApplied, retrySafe]) => [
    code,
    mayBeApplied === 'yes',
    retrySafe === 'yes',
  ]);

  const actual = ERROR_CODES.map((code) => new ConclaveError(code, ''));
  expect(documented).toEqual(actual.map(({ code, mayBeApplied, retrySafe }) => [code, mayBeApplied, retrySafe]));
});
