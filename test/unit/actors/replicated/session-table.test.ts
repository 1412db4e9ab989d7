import { describe, expect, it } from 'vitest';
import { SessionTable } from '../../../../src/actors/replicated/session-table.js';
import { sessionId } from '../../../../src/ids.js';

const [a, b, c] = [sessionId(1), sessionId(5), sessionId(9)];

describe('SessionTable', () => {
  it('applies the blocks of a session in order, each once', () => {
    const table = new SessionTable(10);
    table.open(a, 'a');

    expect(table.admit(a, 1, 3)).toBe('apply');
    expect(table.admit(a, 1, 3)).toBe('duplicate');
    expect(table.admit(a, 4, 1)).toBe('apply');
    expect(table.admit(a, 1, 3)).toBe('duplicate');
    expect(table.admit(a, 5, 2)).toBe('apply');
  });

  it('skips what comes after a gap, until the gap is closed', () => {
    const table = new SessionTable(10);
    table.open(a, 'a');

    expect(table.admit(a, 3, 1)).toBe('gap');
    expect(table.admit(a, 1, 2)).toBe('apply');
    expect(table.admit(a, 3, 1)).toBe('apply');
  });

  it('keeps sessions apart', () => {
    const table = new SessionTable(10);
    table.open(a, 'a');
    table.open(b, 'b');

    expect(table.admit(a, 1, 1)).toBe('apply');
    expect(table.admit(b, 1, 1)).toBe('apply');
    expect(table.admit(b, 2, 1)).toBe('apply');
  });

  it('refuses a session that was never opened', () => {
    expect(new SessionTable(10).admit(a, 1, 1)).toBe('unknown session');
  });

  it('evicts the session that was used least recently, for ever', () => {
    const table = new SessionTable(2);
    table.open(a, 'a');
    table.open(b, 'b');
    table.admit(a, 1, 1);

    table.open(c, 'c');

    expect(table.admit(b, 1, 1)).toBe('unknown session');
    expect(table.admit(a, 2, 1)).toBe('apply');
    expect(table.admit(c, 1, 1)).toBe('apply');
    expect(table.admit(b, 1, 1)).toBe('unknown session');
  });

  it('opens one session for each life, until that is evicted', () => {
    const table = new SessionTable(2);
    table.open(a, 'a');
    table.open(b, 'a');
    expect(table.admit(b, 1, 1)).toBe('unknown session');
    expect(table.openedBy('a')).toEqual({ session: a, nextSeq: 1 });

    table.open(b, 'b');
    table.open(c, 'c');
    expect(table.openedBy('a')).toBeNull();
    table.open(sessionId(11), 'a');

    expect(table.openedBy('a')).toEqual({ session: 11, nextSeq: 1 });
  });

  it('goes on as it was saved, also in what it evicts next', () => {
    const table = new SessionTable(2);
    table.open(a, 'a');
    table.open(b, 'b');
    table.admit(a, 1, 7);
    const restored = new SessionTable(2);

    restored.restore(table.save());
    restored.open(c, 'c');

    expect(restored.openedBy('a')).toEqual({ session: a, nextSeq: 8 });
    expect(restored.admit(a, 1, 7)).toBe('duplicate');
    expect(restored.openedBy('b')).toBeNull();
  });
});
