import { expect, test } from 'vitest';
import { RuntimeEmitter } from '../../../src/node/runtime-emitter.js';

test('what a listener brings about comes behind what was to be told before', () => {
  const emitter = new RuntimeEmitter();
  const leaders: (string | null)[] = [];
  // As a listener does that ticks the node.
  emitter.once('role', () => emitter.tell('leader', 'b:1'));
  emitter.on('leader', (leader) => leaders.push(leader));
  emitter.tell('role', 'follower');
  emitter.tell('leader', 'a:1');

  emitter.release();
  emitter.tell('leader', null);

  expect(leaders).toEqual(['a:1', 'b:1', null]);
});
