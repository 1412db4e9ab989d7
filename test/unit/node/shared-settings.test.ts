import { describe, expect, it } from 'vitest';
import { nodeId } from '../../../src/ids.js';
import { checkSettings } from '../../../src/net/settings.js';
import { observerId } from '../../../src/net/hello.js';
import { sharedSettings } from '../../../src/node/shared-settings.js';
import { incarnationOf } from '../net/support/loopback.js';

const ids = ['a:1', 'b:1', 'c:1'].map(nodeId);
const [a, b, c] = ids as [(typeof ids)[0], (typeof ids)[0], (typeof ids)[0]];

const data = {
  self: a,
  peers: [c, b],
  electionTimeoutMs: [400, 800],
  limits: { commandBytes: 64, submissionBytes: 1, inflightBytes: 1 },
  objects: 'book(add:replicated)',
} as const;

describe('sharedSettings', () => {
  it('are members, election timeout, size of a command and objects', () => {
    expect(sharedSettings(data)).toEqual({
      members: 'a:1,b:1,c:1',
      electionTimeoutMs: '400-800',
      commandBytes: '64',
      objects: 'book(add:replicated)',
    });
  });

  it('are the same on all members and observers', () => {
    expect(sharedSettings({ ...data, self: b, peers: [a, c] })).toEqual(sharedSettings(data));
    expect(sharedSettings({ ...data, self: observerId(incarnationOf('0')), peers: ids })).toEqual(sharedSettings(data));
  });

  it('fit into a hello, however many members there are and however long their names', () => {
    const peers = Array.from({ length: 100 }, (_, i) => nodeId(`${String(i).padStart(250, 'x')}:1`));

    expect(() => checkSettings(sharedSettings({ ...data, peers, objects: '漢'.repeat(170) }))).not.toThrow();
  });
});
