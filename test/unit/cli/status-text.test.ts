import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { statusText } from '../../../src/cli/status-text.js';
import { HEALTHS } from '../../../src/node/health.js';

describe('the health of a node', () => {
  it.each(HEALTHS)('is explained as docs/operations.md does: %s', (health) => {
    const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');

    const [, meaning] = /^health {2}[^:]+: (.+)$/m.exec(statusText({ health }))!;

    expect(page).toContain(`| \`${health}\` | ${meaning} |`);
  });

  it('is shown as it is where a newer node says what is not known here', () => {
    expect(statusText({ health: 'dancing' })).toBe('health  dancing');
  });
});

describe('the members', () => {
  const member = { id: 'b:1', matchIndex: 40, lastContactAtMs: Date.UTC(2030, 0, 2, 3, 4, 5, 678) };

  it('are told with how far they are behind, and when they last answered', () => {
    expect(statusText({ lastIndex: 42, codeVersion: 3, members: [member] })).toBe(
      [
        'lastIndex    42',
        'codeVersion  3',
        '',
        'members:',
        '  id   matchIndex  lastContactAtMs           entriesBehind',
        '  b:1  40          2030-01-02T03:04:05.678Z  2',
      ].join('\n'),
    );
  });

  it('are shown as they are where the node does not know, or says what is not understood', () => {
    const members = [{ id: 'b:1', matchIndex: null, lastContactAtMs: null }, 'noise', null];

    const text = statusText({ lastIndex: 42, members });

    expect(text).toContain('b:1  -');
    expect(text).not.toContain('entriesBehind');
    expect(statusText({ members: 7 })).toBe('members  7');
    expect(statusText({ startedAtMs: 1e300 })).toContain('1e+300');
  });
});
