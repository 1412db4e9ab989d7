import { describe, expect, it } from 'vitest';
import { checkSettings } from '../../../src/net/settings.js';
import { sharedSettings } from '../../../src/node/shared-settings.js';

const data = {
  electionTimeoutMs: [400, 800],
  limits: { commandBytes: 64, submissionBytes: 1, inflightBytes: 1 },
} as const;

describe('sharedSettings', () => {
  it('are election timeout and size of a command, and fit into a hello', () => {
    const settings = sharedSettings(data);

    expect(settings).toEqual({ electionTimeoutMs: '400-800', commandBytes: '64' });
    expect(() => checkSettings(settings)).not.toThrow();
  });
});
