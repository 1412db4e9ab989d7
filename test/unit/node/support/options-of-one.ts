/** A cluster of one on this event loop, with a free port and in a hurry. */

import { checkOptions } from '../../../../src/node/check-options.js';
import { freePorts } from '../../../../src/testing/free-ports.js';
import { Ledger } from '../fixtures/ledger.js';

export async function optionsOfOne() {
  return checkOptions({
    self: `127.0.0.1:${(await freePorts(1))[0]}`,
    peers: [],
    objects: { book: Ledger },
    threads: false,
    electionTimeoutMs: [30, 60],
    heartbeatMs: 10,
  });
}
