/** The table of mutations and of what has found them, as Markdown. Pure. */

import type { Result, Results } from './results.js';
import type { Mutation } from './mutation.js';

const HEAD = `# Mutations

The simulation is worth what it finds. Here is each of a table of products that were broken on purpose, by a small change of
their source that brings a known bug back ([table](table/)), and in how many histories, from seed 1 on, the simulation has
found it. Written by \`npm run mutations\`; not to be edited.`;

const COLUMNS = `| the broken product: | what it breaks | found in seed | by the promise | tried at |
| --- | --- | ---: | --- | --- |`;

export function reportOf(mutations: Readonly<Record<string, readonly Mutation[]>>, results: Results): string {
  const sections = Object.entries(mutations).map(([title, group]) => {
    const rows = group.map((mutation) => rowOf(mutation, results[mutation.name]));
    return `## ${title}\n\n${COLUMNS}\n${rows.join('\n')}`;
  });
  return `${[HEAD, ...sections].join('\n\n')}\n`;
}

function rowOf({ name, rule, unseen }: Mutation, result: Result | undefined): string {
  const cells = [name, rule, ...shown(unseen, result), result === undefined ? '' : `${result.commit}, ${result.date}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function shown(unseen: string | undefined, result: Result | undefined): readonly [seed: string, promise: string] {
  if (result === undefined) return ['not tried', ''];
  const { finding, seeds } = result;
  if (finding !== null) return [`${finding.seed}`, finding.promise];
  return [`not in ${seeds}`, unseen === undefined ? '' : unseen];
}
