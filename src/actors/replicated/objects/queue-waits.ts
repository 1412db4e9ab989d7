/** Which methods of a queue can wait, for what, and what ends that. The same for both kinds of queues. */

import type { WaitingMethod } from '../describe-class.js';

export const WAITS: { readonly take: WaitingMethod; readonly put: WaitingMethod } = {
  take: { while: undefined, until: ['put'] },
  put: { while: false, until: ['take', 'clear'] },
};
