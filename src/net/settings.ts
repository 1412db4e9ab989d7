/**
 * The settings that must be the same on all nodes, as a hello carries them: their limits, their form on the wire, and
 * the difference of two nodes' settings in words. Pure; knows nothing of what a setting means.
 */

import { Encoder } from '@msgpack/msgpack';
import { ConclaveError } from '../errors.js';
import { quote } from './quote.js';

/** Names and values. */
export type Settings = Readonly<Record<string, string>>;

/** All names and values, encoded. */
export const SETTINGS_BYTES_MAX = 1_024;

/** So many fields have the settings of a hello: a name and a value each. */
export const SETTING_FIELDS_MAX = 32;

/** Of a longer value so much is shown: from a little before the first character that differs. */
const SHOWN_CHARS_MAX = 100;
const SHOWN_BEFORE_CHARS = 20;

/** @throws ConclaveError `ERR_INVALID_OPTION` when the settings are too many or too long for a hello. */
export function checkSettings(settings: Settings): void {
  const fields = settingFields(settings);
  const bytes = new Encoder().encode(fields).length;
  if (fields.length <= SETTING_FIELDS_MAX && bytes <= SETTINGS_BYTES_MAX) return;
  const room = `${SETTING_FIELDS_MAX / 2} settings of ${SETTINGS_BYTES_MAX} bytes in all`;
  throw new ConclaveError('ERR_INVALID_OPTION', `settings: a hello has room for ${room}.`, {
    data: { option: 'settings', settings: fields.length / 2, bytes },
  });
}

/** Names and values by turns, in the order of the names. */
export function settingFields(settings: Settings): string[] {
  return Object.keys(settings)
    .toSorted()
    .flatMap((name) => [name, settings[name]!]);
}

/** What `settingFields` was made from, if they are fields of settings. */
export function settingsOf(fields: readonly string[]): Settings | null {
  if (fields.length % 2 !== 0 || fields.length > SETTING_FIELDS_MAX) return null;
  return Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]!]] : [])));
}

/**
 * The first setting that is not the same on two nodes, as a sentence that fits into a refusal. Null: they agree.
 *
 * @param here how to name the node whose settings are `ours`, `there` the other one.
 */
export function describeDifference(ours: Settings, here: string, theirs: Settings, there: string): string | null {
  const names = [...Object.keys(ours), ...Object.keys(theirs)].toSorted();
  const name = names.find((each) => valueOf(ours, each) !== valueOf(theirs, each));
  if (name === undefined) return null;
  const [our, their] = [valueOf(ours, name), valueOf(theirs, name)];
  const at = firstDifference(our ?? '', their ?? '');
  const shown = `${show(our, at)} at ${here}, ${show(their, at)} at ${there}`;
  return `The setting ${quote(name, SHOWN_CHARS_MAX)} must be the same on all nodes: ${shown}.`;
}

function valueOf(settings: Settings, name: string): string | undefined {
  return Object.hasOwn(settings, name) ? settings[name] : undefined;
}

function firstDifference(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

function show(value: string | undefined, differsAt: number): string {
  if (value === undefined) return 'nothing';
  if (value.length <= SHOWN_CHARS_MAX) return quote(value, SHOWN_CHARS_MAX);
  const start = Math.max(0, differsAt - SHOWN_BEFORE_CHARS);
  const end = start + SHOWN_CHARS_MAX;
  return `${start > 0 ? '…' : ''}${quote(value.slice(start), SHOWN_CHARS_MAX)}${end < value.length ? '…' : ''}`;
}
