import { describe, expect, it } from 'vitest';
import { duration } from '../../../src/cli/duration.js';

describe('a length of time', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h', 3_600_000],
  ])('of %s is understood', (value, ms) => {
    expect(duration(value)).toBe(ms);
  });

  it.each(['30', 's', '', '-1s', '1d', '1e3s', ' 1s', 'Infinitys'])('of %j is not', (value) => {
    expect(() => duration(value)).toThrow('It is no length of time');
  });
});
