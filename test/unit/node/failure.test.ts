import { expect, test, vi } from 'vitest';
import { Caller } from '../../../src/actors/replicated/caller.js';
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
  // It was applied, and its result is on its way for ever.
  const { receive } = Caller.prototype;
  const isApplied = new Promise<void>((resolve) => {
    vi.spyOn(Caller.prototype, 'receive').mockImplementation(function (this: Caller, message) {
      if (message.type === 'commandResults') resolve();
      else receive.call(this, message);
    });
  });
  const sent = errorOf(() => node.objects.book.add(1));
  await isApplied;
  events!.onFailure(new ConclaveError('ERR_STORAGE_CORRUPT', 'A snapshot is damaged.'));
  const unsent = errorOf(() => node.objects.book.add(1));
  const asked = errorOf(() => node.compact());

  try {
    expect(await sent).toMatchObject({ code: 'ERR_STORAGE_CORRUPT', mayBeApplied: true, retrySafe: false });
    expect(await unsent).toMatchObject({ code: 'ERR_STORAGE_CORRUPT', mayBeApplied: false });
    expect(await asked).toMatchObject({ code: 'ERR_STORAGE_CORRUPT', mayBeApplied: false });
  } finally {
    vi.restoreAllMocks();
    await node.stop();
  }
});
