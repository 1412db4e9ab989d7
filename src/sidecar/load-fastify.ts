/** Loads the HTTP server's library, which only those have installed who run a sidecar. */

import type * as Fastify from 'fastify';
import { ConclaveError } from '../errors.js';

/** @throws ConclaveError `ERR_MISSING_PACKAGE` when it is not installed. */
export async function loadFastify(): Promise<typeof Fastify.fastify> {
  try {
    return (await import('fastify')).fastify;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new ConclaveError('ERR_MISSING_PACKAGE', 'The sidecar needs fastify: npm install fastify@5.', {
      data: { package: 'fastify' },
      cause,
    });
  }
}
