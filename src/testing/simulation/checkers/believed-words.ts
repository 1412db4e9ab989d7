/**
 * What a node believes of who belongs to the cluster, in the words in which checkers say it (stated-configuration.ts):
 * read from what the node would write into its log. A configuration never changes, so each is read once.
 */

import type { Configuration } from '../../../actors/raft/configuration.js';
import { configurationContent } from '../../../actors/raft/configuration-entry.js';
import { StatedConfiguration } from './stated-configuration.js';

const KNOWN = new WeakMap<Configuration, string>();

export function believedWords(configuration: Configuration): string {
  let words = KNOWN.get(configuration);
  if (words === undefined) {
    words = new StatedConfiguration(configurationContent(configuration).payload).words;
    KNOWN.set(configuration, words);
  }
  return words;
}
