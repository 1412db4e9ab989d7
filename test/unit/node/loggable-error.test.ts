import { describe, expect, it } from 'vitest';
import { inspect } from 'node:util';
import { ConclaveError, type ErrorCode } from '../../../src/errors.js';
import { loggableError, NOT_LOGGED } from '../../../src/node/loggable-error.js';

const SECRET = 'hunter2';

function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('what is logged of an error', () => {
  it.each([
    ['thrown by a class', new Error(`I was told ${SECRET}`)],
    ['whose message looks like a stack', new Error(`a\n    at ${SECRET} (x:1:2)`)],
    ['of a parser that quotes', thrownBy(() => JSON.parse(SECRET))],
    ['with a cause', new Error('plain', { cause: new TypeError(SECRET) })],
    ['with fields', Object.assign(new Error('plain'), { detail: SECRET, code: SECRET })],
    [
      'that Conclave quotes',
      new ConclaveError('ERR_COMPACTION_FAILED', `Why: ${SECRET}`, { cause: new Error(SECRET) }),
    ],
    ['of a value', new ConclaveError('ERR_STATE_NOT_ENCODABLE', `at get("${SECRET}")`, { data: { path: SECRET } })],
    ['whose message was changed', Object.assign(new Error(SECRET), { message: 'harmless' })],
  ])('is no payload: %s', (_, error) => {
    const logged = loggableError(error);

    expect(inspect(logged, { showHidden: true, depth: 10 })).not.toContain(SECRET);
    expect(JSON.stringify([logged, logged.message, logged.stack])).not.toContain(SECRET);
  });

  it('is the place where it was thrown, and its class', () => {
    const logged = loggableError(thrownBy(() => JSON.parse('{')));

    expect(logged.name).toBe('SyntaxError');
    expect(logged.message).toBe(NOT_LOGGED);
    expect(logged.stack).toContain('loggable-error.test');
  });

  it('is all that Conclave and the operating system say', () => {
    const cause = Object.assign(new Error('ENOSPC: no space left'), { errno: -28, syscall: 'write', code: 'ENOSPC' });
    const error = new ConclaveError('ERR_STORAGE', `The disk: ${cause.message}`, { cause, data: { errno: -28 } });

    const logged = loggableError(error);

    expect(logged).toBeInstanceOf(ConclaveError);
    expect(logged).toMatchObject({
      code: 'ERR_STORAGE',
      message: error.message,
      data: { errno: -28 },
      retrySafe: false,
    });
    expect(logged.cause).toMatchObject({ code: 'ENOSPC', message: cause.message });
  });

  it('ends, where causes are a cycle', () => {
    const error = new ConclaveError('ERR_STORAGE' satisfies ErrorCode, 'a');
    error.cause = error;

    expect(loggableError(error).message).toBe('a');
  });
});
