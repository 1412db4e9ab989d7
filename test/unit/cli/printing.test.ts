import { expect, it } from 'vitest';
import { describeFields, printable } from '../../../src/cli/printing.js';

it('shows simple fields first, and lists as tables, whatever their names', () => {
  const fields = {
    self: 'a:1',
    leader: null,
    members: [
      { id: 'a:1', role: 'voter', connected: true },
      { id: 'server-b:1', role: 'learner', connected: false, lag: 7 },
    ],
    log: { bytes: 12, index: 3 },
    notes: [],
    names: ['x'],
  };

  expect(describeFields(fields)).toBe(
    [
      'self       a:1',
      'leader     -',
      'log.bytes  12',
      'log.index  3',
      '',
      'members:',
      '  id          role     connected  lag',
      '  a:1         voter    yes        -',
      '  server-b:1  learner  no         7',
      '',
      'notes:',
      '  none',
      '',
      'names:',
      '  value',
      '  x',
    ].join('\n'),
  );
});

it('lets nothing through that a terminal would obey', () => {
  expect(printable('a\u001B[2Jb\nc\u202Ed')).toBe('a\uFFFD[2Jb\uFFFDc\uFFFDd');
});
