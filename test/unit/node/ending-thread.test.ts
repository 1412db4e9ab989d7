import { expect, test } from 'vitest';
import { ConclaveError } from '../../../src/errors.js';
import { InlinePlacement } from '../../../src/node/inline-placement.js';
import { Runtime } from '../../../src/node/runtime.js';
import { threadExited } from '../../../src/runtime/actor-errors.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { optionsOfOne } from './support/options-of-one.js';

test('what was asked of a thread that ends is rejected with why the node has ended, of which it hears a moment later', async () => {
  const options = await optionsOfOne();
  const why = new ConclaveError('ERR_STORAGE', 'The disk is full.');
  const node = await Runtime.startOn(options, (events) => {
    return new InlinePlacement(options, events, {
      snapshotter: () => ({
        receive: ({ type }, reply) => {
          if (type !== 'compact')
            return reply.ok(type === 'openSnapshots' ? { kept: [], unreadable: null, damaged: null } : null);
          // As a link says it: first that there is no such thread any more, and then, when it has exited, why.
          reply.fail(threadExited('storage', why));
          setImmediate(() => setImmediate(() => events.onFailure(threadExited('storage', why))));
        },
      }),
    });
  });
  node.on('error', () => {});

  try {
    const error = await errorOf(() => node.compact());

    expect(error).toMatchObject({ code: 'ERR_STORAGE', message: 'The disk is full.' });
  } finally {
    await node.stop();
  }
});
