import { expect, test, vi } from 'vitest';
import { BlockBuilder } from '../../../src/actors/replicated/block-builder.js';
import { ConclaveError, type ErrorCode } from '../../../src/errors.js';
import { asFailure } from '../../../src/node/failure.js';
import { InlinePlacement } from '../../../src/node/inline-placement.js';
import type { PlacementEvents } from '../../../src/node/placement.js';
import { Runtime } from '../../../src/node/runtime.js';
import { threadExited } from '../../../src/runtime/actor-errors.js';
import { errorOf } from '../actors/replicated/error-of.js';
import { optionsOfOne } from './support/options-of-one.js';

const FINAL: readonly ErrorCode[] = [
  'ERR_STORAGE',
  'ERR_STORAGE_CORRUPT',
  'ERR_DATA_DIR_MISMATCH',
  'ERR_VERSION_UNSUPPORTED',
];

test.each(FINAL)('what a node that ends with %s had sent for its callers may be applied', (code) => {
  const failure = asFailure(threadExited('object', new ConclaveError(code, 'why', { data: { path: 'there' } })));

  expect(failure).toMatchObject({
    code,
    message: 'why',
    data: { path: 'there' },
    mayBeApplied: true,
    retrySafe: false,
  });
});

test('a command that was sent before its node found its disk damaged may be applied, and what is asked later is not', async () => {
  const options = await optionsOfOne();
  let events: PlacementEvents | undefined;
  const node = await Runtime.startOn(options, (given) => {
    events = given;
    return new InlinePlacement(options, given);
  });
  await node.ready();
  node.on('error', () => {});
  // Sent in this turn of the event loop, if there is a leader, or a later one; and applied in one after that.
  const encoding = vi.spyOn(BlockBuilder.prototype, 'encode');
  const isSent = new Promise<void>((resolve) => {
    encoding.mockImplementationOnce(function (this: BlockBuilder, ...args) {
      queueMicrotask(resolve);
      return this.encode(...args);
    });
  });
  const sent = errorOf(() => node.objects.book.add(1));
  await isSent;
  encoding.mockRestore();
  events!.onFailure(new ConclaveError('ERR_STORAGE_CORRUPT', 'A snapshot is damaged.'));
  const unsent = errorOf(() => node.objects.book.add(1));
  const asked = errorOf(() => node.compact());

  try {
    expect(await sent).toMatchObject({ code: 'ERR_STORAGE_CORRUPT', mayBeApplied: true, retrySafe: false });
    expect(await unsent).toMatchObject({ code: 'ERR_STORAGE_CORRUPT', mayBeApplied: false });
    expect(await asked).toMatchObject({ code: 'ERR_STORAGE_CORRUPT', mayBeApplied: false });
  } finally {
    await node.stop();
  }
});
