/**
 * Every `*.txt` here is a story: comments, commands at the start of a line, and indented below each command what it led
 * to. The stories must come out as they are written; `UPDATE_SCENARIOS=1` writes down how they come out now.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ScenarioRunner } from './scenario-runner.js';

const folder = new URL('.', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

test.each(names)('%s', (name) => {
  const path = new URL(name, folder);
  const written = readFileSync(path, 'utf8');
  const told = tell(written);
  if (process.env['UPDATE_SCENARIOS'] !== undefined) writeFileSync(path, told);
  else expect(told).toBe(written);
});

function tell(story: string): string {
  const runner = new ScenarioRunner();
  const lines: string[] = [];
  for (const line of story.split('\n')) {
    if (line.startsWith('  ')) continue;
    lines.push(line);
    if (line !== '' && !line.startsWith('#')) lines.push(...runner.run(line).map((each) => `  ${each}`));
  }
  return lines.join('\n');
}
