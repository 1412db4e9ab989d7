/**
 * What nodes compare in their hellos instead of their objects: what each code version brings, the same where the
 * objects are. Pure but for hashing; knows nothing of what the objects do. Queries are not in it: they run on the node
 * that asks.
 */

import { createHash } from 'node:crypto';
import { CODE_VERSIONS_MAX, NEWS_BYTES_MAX, type CodeHistory } from '../net/code-history.js';
import { createdPrefix } from '../actors/replicated/command-name.js';
import type { ResolvedObject } from '../actors/replicated/object-definition.js';
import { ValueCodec } from '../actors/replicated/value-codec.js';

const DIGEST_CHARS = 32;
const ARGS_DIGEST_CHARS = 8;
const NO_ARGS = digestOf(new ValueCodec().encodeInto([]));

/**
 * By version: the classes, the objects, with what their constructors are given, and the commands, in an order that no
 * node decides.
 */
export function objectsFingerprint(
  objects: readonly ResolvedObject[],
  classes: readonly ResolvedObject[] = [],
): CodeHistory {
  const byVersion = new Map<number, Set<string>>([[0, new Set()]]);
  const bring = (version: number, what: string): void => {
    byVersion.set(version, (byVersion.get(version) ?? new Set()).add(what));
  };
  // As blocks call what is created of them: no object is called so.
  const creatable = classes.map((each) => ({ ...each, name: createdPrefix(each.name) }));
  for (const { name, args, commands, since } of [...objects, ...creatable]) {
    const digest = digestOf(args);
    bring(since, digest === NO_ARGS ? name : `${name}#${digest.slice(0, ARGS_DIGEST_CHARS)}`);
    for (const [command, implementations] of commands) {
      for (const { version } of implementations) bring(version, `${name}.${command}`);
    }
  }
  let all = '';
  const history = [...byVersion]
    .toSorted(([a], [b]) => a - b)
    .map(([version, brought]) => {
      const sorted = [...brought].toSorted();
      const text = sorted.join(' ');
      // Not of the text, for names may have spaces.
      all = digestOf(JSON.stringify([all, version, sorted]));
      return { version, news: Buffer.byteLength(text) <= NEWS_BYTES_MAX ? text : digestOf(text), all };
    });
  return history.slice(-CODE_VERSIONS_MAX);
}

function digestOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, DIGEST_CHARS);
}
