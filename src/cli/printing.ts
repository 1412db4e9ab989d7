/**
 * What a node says, as text: plain data as rows of names and values, lists of the like as tables. Knows no field by
 * name, so that it shows whatever a newer node says, too, but goes by the unit that a name ends with: a point in time
 * is shown as one. Pure.
 */

type Fields = Readonly<Record<string, unknown>>;

const GAP = '  ';
/** No date is further from 1970. */
const TIME_MS_MAX = 8.64e15;

/** A plain object as text: its simple fields first, and then each of its lists. */
export function describeFields(fields: Fields): string {
  const entries = flat(fields);
  const simple = entries.filter(([, value]) => !Array.isArray(value));
  const lists = entries.filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const blocks = [aligned(simple.map(([name, value]) => [name, shown(name, value)]))];
  for (const [name, items] of lists) blocks.push(`${name}:\n${describeList(items)}`);
  return blocks.join('\n\n');
}

/** One line of JSON. */
export function asJson(value: unknown): string {
  return JSON.stringify(value);
}

/** Text from elsewhere, with nothing in it that a terminal would take for more than text. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\uFFFD');
}

/** Fields within fields by names with a dot. */
function flat(fields: Fields, prefix = ''): [name: string, value: unknown][] {
  return Object.entries(fields).flatMap(([name, value]) =>
    isFields(value) ? flat(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value] as [string, unknown]],
  );
}

function describeList(items: readonly unknown[]): string {
  const rows = items.map((item) => new Map(flat(isFields(item) ? item : { value: item })));
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  if (names.length === 0) return `${GAP}none`;
  const lines = [names, ...rows.map((row) => names.map((name) => shown(name, row.get(name))))];
  return aligned(lines.map((line) => ['', ...line]));
}

function aligned(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map((cell) => printable(cell)));
  const widths = (clean[0] ?? []).map((_, column) => Math.max(...clean.map((row) => row[column]!.length)));
  return clean
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

function shown(name: string, value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (name.endsWith('AtMs') && isTime(value)) return new Date(value).toISOString();
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' ? value : asJson(value);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= TIME_MS_MAX;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
