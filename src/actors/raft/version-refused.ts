/** Why the code version was not raised, as callers are told. Part of the shell. */

import { ConclaveError } from '../../errors.js';
import type { VersionRefusal } from './effects.js';

export function versionRefused(version: number, refusal: VersionRefusal): ConclaveError {
  switch (refusal.reason) {
    case 'no leader':
      return new ConclaveError('ERR_NO_LEADER', 'There is no leader to raise the code version. Nothing was begun.');
    case 'unanswered':
      return new ConclaveError('ERR_TIMEOUT', 'The leader has not answered: the code version may have been raised.');
    case 'under way':
      return new ConclaveError('ERR_CHANGE_UNDER_WAY', 'A change of leadership is under way.');
    case 'lower': {
      const { current } = refusal;
      return new ConclaveError(
        'ERR_CHANGE_REFUSED',
        `The code version is ${current} already and never goes down: the objects have been changed by its code.`,
        { data: { reason: 'lower code version', codeVersion: current }, retrySafe: false },
      );
    }
    case 'unsupported': {
      const nodes = refusal.lacking.map(([id, codeVersionMax]) => ({ id, codeVersionMax }));
      const shown = nodes.map(({ id, codeVersionMax }) =>
        codeVersionMax === null ? `${id} has not been connected yet` : `${id} has code up to version ${codeVersionMax}`,
      );
      return new ConclaveError(
        'ERR_VERSION_UNSUPPORTED',
        `Not everybody has code of version ${version}: ${shown.join(', ')}. Upgrade these first.`,
        { data: { codeVersion: version, nodes } },
      );
    }
  }
}
