/** Tables and numbers as the report writes them. */

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** Three digits: more would claim what the next run takes back. */
export function rate(perSecond: number): string {
  return Number(perSecond.toPrecision(3)).toLocaleString('en-US');
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

export function megabytes(bytes: number): string {
  const millions = bytes / 1e6;
  return `${millions < 10 ? millions.toFixed(1) : millions.toFixed(0)} MB`;
}

/** By how much one is larger than the other. */
export function times(ratio: number): string {
  return `× ${ratio.toFixed(2)}`;
}

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

/** `page`, the text of `file`, with everything between the two marks replaced. */
export function betweenMarks(file: string, page: string, text: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`${file} has no ${BEGIN} followed by ${END}.`);
  return `${page.slice(0, begin + BEGIN.length)}\n${text}\n${page.slice(end)}`;
}
