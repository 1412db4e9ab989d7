import { describe, expect, it } from 'vitest';
import { checkSettings } from '../../../src/net/settings.js';
import { sharedSettings } from '../../../src/node/shared-settings.js';

const data = {
  electionTimeoutMs: [400, 800],
  limits: { commandBytes: 64, submissionBytes: 1, inflightBytes: 1 },
  objects: 'book(add:replicated)',
} as const;

describe('sharedSettings', () => {
  it('are election timeout, size of a command and objects', () => {
    expect(sharedSettings(data)).toEqual({
      electionTimeoutMs: '400-800',
      commandBytes: '64',
      objects: 'book(add:replicated)',
    });
  });

  it('fit into a hello, whatever the objects are called', () => {
    expect(() => checkSettings(sharedSettings({ ...data, objects: '漢'.repeat(170) }))).not.toThrow();
  });
});
