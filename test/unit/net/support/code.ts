/** The code of a node whose objects have no commands. */

import type { CodeHistory } from '../../../../src/net/code-history.js';

export const CODE: CodeHistory = [{ version: 0, news: '', all: '0'.repeat(32) }];
