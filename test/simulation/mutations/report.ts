/** The table of mutations and of what has found them, as Markdown. Pure. */

import type { Result, Results } from './results.js';
import type { Mutation } from './mutation.js';

const HEAD = `# Mutations

The simulation is worth what it finds. Here is each of a table of products that were broken on purpose, by a small change of
their source that brings a known bug back ([table](table/)), and the first seed, from 1 on, whose history has shown it to the
simulation. Where two mechanisms do the same, a product without one of them
is as right as one with both: there, the one without either stands for it. What only histories about locks, elections, created objects or
code versions can run is tried in those only. Written by \`npm run mutations\`; not to be edited.`;

const COLUMNS = `| the broken product: | what it breaks | found in seed | by the promise | tried at |
| --- | --- | ---: | --- | --- |`;

export function reportOf(mutations: Readonly<Record<string, readonly Mutation[]>>, results: Results): string {
  const sections = Object.entries(mutations).map(([title, group]) => {
    const rows = group.map((mutation) => rowOf(mutation, results[mutation.name]));
    return `## ${title}\n\n${COLUMNS}\n${rows.join('\n')}`;
  });
  return `${[HEAD, ...sections].join('\n\n')}\n`;
}

function rowOf({ name, rule, covered }: Mutation, result: Result | undefined): string {
  const cells =
    covered === undefined
      ? [name, rule, ...shown(result)]
      : [name, rule, 'covered', `${covered.why}: see "${covered.by}"`, ''];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function shown(result: Result | undefined): readonly [seed: string, promise: string, triedAt: string] {
  if (result === undefined) return ['not tried', '', ''];
  const { finding, seeds, commit, date } = result;
  const triedAt = `${commit}, ${date}`;
  return finding === null ? [`not in ${seeds}`, '', triedAt] : [`${finding.seed}`, finding.promise, triedAt];
}
