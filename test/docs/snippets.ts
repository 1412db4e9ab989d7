/**
 * Finds the TypeScript that documentation shows (fenced blocks of Markdown, `@example` of doc comments) and makes files
 * of it that compile alone. A snippet with imports stands as a reader would copy it; one without continues a thought,
 * so the public names it uses are imported for it, and the objects that all pages speak of exist (see CONTEXT).
 */

export interface Snippet {
  /** Where the snippet starts, as `file:line`. */
  readonly origin: string;
  readonly code: string;
}

/** What pages take for granted: a running node, its objects, and things that a caller has. */
export const CONTEXT = `
import type { Runtime } from 'conclave';
import type { RemoteOf } from 'conclave';
import type { ReplCounter, ReplMap } from 'conclave/objects';
import type { Sync } from 'conclave/sync';
declare class Account {
  static readonly module: string;
  deposit(amount: number): number;
  get(): number;
}
declare class Jobs {
  static readonly module: string;
  constructor(options: { capacity: number });
  put(job: string): boolean;
}
type Objects = { acct: typeof Account; hits: typeof ReplCounter };
declare global {
  const runtime: Runtime<Objects>;
  const acct: Runtime<Objects>['objects']['acct'];
  const hits: Runtime<Objects>['objects']['hits'];
  const scores: RemoteOf<ReplMap<string, number>>;
  const JobQueue: typeof Jobs;
  const signal: AbortSignal;
  const sync: Sync;
  const bytes: Uint8Array;
}
`;

const FENCE = /^```ts\b[^\n]*\n([\s\S]*?)^```/gm;
const COMMENT = /\/\*\*([\s\S]*?)\*\//g;
const EXAMPLE =
  /^@example[ \t]*\n([\s\S]*?)(?=^@(?:example|throws|param|returns|see|remarks|defaultValue|deprecated)\b|(?![\s\S]))/gm;

export function snippetsOfMarkdown(file: string, text: string): Snippet[] {
  return [...text.matchAll(FENCE)].map((match) => ({ origin: originOf(file, text, match.index), code: match[1]! }));
}

export function snippetsOfSource(file: string, text: string): Snippet[] {
  return [...text.matchAll(COMMENT)].flatMap((comment) => {
    const body = comment[1]!.replace(/^[ \t]*\* ?/gm, '');
    return [...body.matchAll(EXAMPLE)].map((example) => ({
      origin: originOf(file, text, comment.index),
      code: /^```ts\b[^\n]*\n([\s\S]*?)^```/m.exec(example[1]!)?.[1] ?? example[1]!,
    }));
  });
}

/** The file that a snippet says it is, by a first line like `// account.ts`, so that those after it can import it. */
export function fileNameOf({ code }: Snippet): string | null {
  return /^\/\/ ([\w-]+\.ts)\b/.exec(code)?.[1] ?? null;
}

/** The snippet as a module. `names` says from where each name may be imported that the snippet does not declare. */
export function moduleOf({ origin, code }: Snippet, names: ReadonlyMap<string, string>): string {
  const lines = [`// ${origin}`, code, 'export {};', ''];
  if (/^import\s/m.test(code)) return lines.join('\n');
  const imports = [...names]
    .filter(([name]) => new RegExp(`\\b${name}\\b`).test(code) && !declares(code, name))
    .map(([name, from]) => `import { ${name} } from '${from}';`);
  return [...imports, ...lines].join('\n');
}

/** The names that a declaration file exports by name. */
export function exportedNames(declarations: string): string[] {
  const lists = [...declarations.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap((match) =>
    match[1]!.split(',').map((item) =>
      item
        .trim()
        .replace(/^type /, '')
        .replace(/^.* as /, ''),
    ),
  );
  const declared = [
    ...declarations.matchAll(/^export (?:declare )?(?:abstract )?(?:class|const|function|interface|type) (\w+)/gm),
  ].map((match) => match[1]!);
  return [...lists, ...declared].filter((name) => name !== '');
}

function declares(code: string, name: string): boolean {
  return new RegExp(`\\b(?:class|const|function|interface|let|type) (?:\\{[^}]*)?\\b${name}\\b`).test(code);
}

function originOf(file: string, text: string, index: number): string {
  return `${file}:${text.slice(0, index).split('\n').length}`;
}
