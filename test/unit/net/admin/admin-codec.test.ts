import { Encoder } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConclaveError } from '../../../../src/errors.js';
import {
  readAdminHello,
  readAnswer,
  readRequest,
  writeAdminHello,
  writeError,
  writeRequest,
  writeResult,
} from '../../../../src/net/admin/admin-codec.js';
import type { AdminRequest } from '../../../../src/net/admin/admin-request.js';
import { FrameType, NO_BYTES, type Frame, type FrameSink } from '../../../../src/net/frame.js';

/** What was written, as it would be read. */
function frameOf(write: (sink: FrameSink) => void): Frame {
  let frame: Frame | null = null;
  write({
    writeFrame: (type, code, group, meta, payload) => {
      frame = { type, code, group, meta: meta.slice(), payload: payload.slice() };
    },
  });
  return frame!;
}

describe('what is read is what was written', () => {
  it.each([
    { cluster: null, self: null },
    { cluster: 'home', self: 'a:1' },
  ])('as hello %o', (hello) => {
    expect(readAdminHello(frameOf((sink) => writeAdminHello(hello, sink)))).toEqual(hello);
  });

  it.each<AdminRequest>([
    { command: 'status', argument: null, timeoutMs: 1 },
    { command: 'add', argument: '[::1]:4321', timeoutMs: 30_000 },
    { command: 'transfer', argument: null, timeoutMs: 3_600_000 },
    { command: 'transfer', argument: 'b:1', timeoutMs: 10 },
    { command: 'setVersion', argument: 7, timeoutMs: 10 },
  ])('as request %o', (request) => {
    expect(readRequest(frameOf((sink) => writeRequest(request, sink)))).toEqual(request);
  });

  it('as result, where nothing is null', () => {
    const result = { leader: null, members: [{ id: 'a:1', connected: true }], term: 2 ** 50 };

    expect(readAnswer(frameOf((sink) => writeResult(result, sink)))).toEqual({ result });
    expect(readAnswer(frameOf((sink) => writeResult(undefined, sink)))).toEqual({ result: null });
  });

  it('as error, with a text that is cut where it is too long', () => {
    const error = new ConclaveError('ERR_TIMEOUT', 'x'.repeat(5_000), { data: { what: 'é'.repeat(3_000) } });

    const answer = readAnswer(frameOf((sink) => writeError(error, sink))) as { readonly error: ConclaveError };

    expect(answer.error).toMatchObject({ code: 'ERR_TIMEOUT', mayBeApplied: true, retrySafe: false });
    expect(answer.error.message).toHaveLength(1_024);
    expect(answer.error.data['what']).toHaveLength(1_024);
  });

  it('as error of a newer node, whose code is not known here', () => {
    const payload = new Encoder().encode(['ERR_TOMORROW', 'Later.', {}, false, true]);

    expect(readAnswer({ type: FrameType.adminAnswer, code: 1, group: 0, meta: NO_BYTES, payload })).toMatchObject({
      error: {
        code: 'ERR_PROTOCOL',
        message: 'Later. (ERR_TOMORROW)',
        data: { code: 'ERR_TOMORROW' },
        retrySafe: true,
      },
    });
  });
});

describe('noise', () => {
  const random = fc.uint8Array({ maxLength: 200 });
  const encoded = fc
    .oneof(
      fc.array(
        fc.oneof(fc.constant(null), fc.string(), fc.double(), fc.boolean(), fc.dictionary(fc.string(), fc.string())),
      ),
      fc.anything({ maxDepth: 2, withNullPrototype: false, withBigInt: false }),
    )
    .map((value) => {
      try {
        return new Encoder().encode(value);
      } catch {
        return NO_BYTES;
      }
    });
  const bytes = fc.oneof(random, encoded);
  const readers = [readAdminHello, readRequest, readAnswer];

  it('is read as something or refused with a typed error, never anything else', () => {
    fc.assert(
      fc.property(bytes, fc.nat(2), fc.nat(2), (noise, code, reader) => {
        const frame = {
          type: FrameType.adminRequest,
          code,
          group: 0,
          meta: noise,
          payload: reader === 2 ? noise : NO_BYTES,
        };
        try {
          readers[reader]!(frame);
        } catch (error) {
          expect(error).toBeInstanceOf(ConclaveError);
          expect(['ERR_PROTOCOL', 'ERR_INVALID_OPTION']).toContain((error as ConclaveError).code);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
