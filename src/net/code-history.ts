/**
 * What the code of a node's objects can carry out, by the version that brings it, as a hello carries it: nodes of
 * different code work together if they have the same up to the older one's last version. Pure; knows nothing of what a
 * command does.
 */

import { quote } from './quote.js';

/** What one version brings. */
export interface CodeVersion {
  readonly version: number;
  /** Objects, with a digest of their arguments, and commands: as a text where it is short, else as its digest. */
  readonly news: string;
  /** The digest of everything up to this version, 32 hex digits. */
  readonly all: string;
}

/** From the oldest to the newest, the newest {@link CODE_VERSIONS_MAX} of those that bring anything; never empty. */
export type CodeHistory = readonly CodeVersion[];

/** So many versions a hello has room for: who is further behind is refused. */
export const CODE_VERSIONS_MAX = 8;
/** A longer text is replaced by its digest. In UTF-8. */
export const NEWS_BYTES_MAX = 128;

const FIELDS = 3;
const DIGEST = /^[0-9a-f]{32}$/;
const SHOWN_CHARS_MAX = NEWS_BYTES_MAX;

/** The highest version that the code has. */
export function codeVersionMaxOf(history: CodeHistory): number {
  return history.at(-1)!.version;
}

export function codeFields(history: CodeHistory): (string | number)[] {
  return history.flatMap(({ version, news, all }) => [version, news, all]);
}

/** What `codeFields` was made from, if they are its fields. */
export function codeHistoryOf(fields: readonly unknown[]): CodeHistory | null {
  const count = fields.length / FIELDS;
  if (!Number.isInteger(count) || count === 0 || count > CODE_VERSIONS_MAX) return null;
  const history: CodeVersion[] = [];
  for (let i = 0; i < fields.length; i += FIELDS) {
    const [version, news, all] = fields.slice(i, i + FIELDS);
    if (!Number.isSafeInteger(version) || (version as number) <= (history.at(-1)?.version ?? -1)) return null;
    if (typeof news !== 'string' || Buffer.byteLength(news) > NEWS_BYTES_MAX) return null;
    if (typeof all !== 'string' || !DIGEST.test(all)) return null;
    history.push({ version: version as number, news, all });
  }
  return history;
}

/**
 * Why two nodes would not do the same with the same log, as a sentence that fits into a refusal. Null: they would.
 *
 * @param here how to name the node whose code is `ours`, `there` the other one.
 */
export function describeConflict(ours: CodeHistory, here: string, theirs: CodeHistory, there: string): string | null {
  const upTo = Math.min(codeVersionMaxOf(ours), codeVersionMaxOf(theirs));
  const [our, their] = [newestUpTo(ours, upTo), newestUpTo(theirs, upTo)];
  if (our === undefined || their === undefined) {
    const [older, newer] = our === undefined ? [there, here] : [here, there];
    return `The code of ${older} ends with version ${upTo}, and ${newer} knows what its last ${CODE_VERSIONS_MAX} versions brought only.`;
  }
  if (our.all === their.all) return null;
  const versions = [...ours, ...theirs].map(({ version }) => version).filter((version) => version <= upTo);
  const differs = versions
    .toSorted((a, b) => a - b)
    .find((version) => newsOf(ours, version) !== newsOf(theirs, version));
  const what = differs === undefined ? 'an early version' : `version ${differs}`;
  const shown =
    differs === undefined ? '' : `: ${show(ours, differs)} at ${here}, ${show(theirs, differs)} at ${there}`;
  return `The objects and commands of ${what} must be the same on all nodes${shown}.`;
}

function newestUpTo(history: CodeHistory, version: number): CodeVersion | undefined {
  return history.findLast((each) => each.version <= version);
}

function newsOf(history: CodeHistory, version: number): string | undefined {
  return history.find((each) => each.version === version)?.news;
}

function show(history: CodeHistory, version: number): string {
  const news = newsOf(history, version) ?? '';
  return news === '' ? 'nothing' : quote(news, SHOWN_CHARS_MAX);
}
