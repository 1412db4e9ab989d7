/**
 * Which folder of `src/` may import from which: the table of ARCHITECTURE.md as data, and the check of one file against
 * it. Reads source text only; it neither resolves packages nor type checks, the compiler does both.
 */

import { posix } from 'node:path';

interface Layer {
  readonly name: string;
  /** Does this file of `src/`, given as a path below it, belong to the layer? The first layer that matches owns it. */
  readonly owns: RegExp;
  /** What its files may import, as paths below `src/`. */
  readonly mayImport: readonly RegExp[];
  /** What its files may import with `import type` only. */
  readonly mayImportTypes?: readonly RegExp[];
}

const GROUND = /^(errors|assert|ids|checksum)\.ts$/;
/** Files and where they lie. */
const STORAGE = /^storage\//;
const RUNTIME = /^runtime\//;
const RAFT = /^actors\/raft\//;
/** The binary form of entries is the one thing of the core that others need as code: header, kinds, what admits. */
const ENTRY = /^actors\/raft\/(entry|code-version-entry)\.ts$/;
const ANY_ACTOR = /^actors\//;
/** Actors know each other by what they say. */
const MESSAGES = /^actors\/.+-(messages|event)\.ts$/;
const NET = /^net\//;
/** Where a node is put together: the only place that knows all layers. */
const NODE = /^node\//;
/** Locks and elections, as their users call them. */
const SYNC = /^sync\//;

export const LAYERS: readonly Layer[] = [
  { name: 'ground', owns: GROUND, mayImport: [GROUND] },
  { name: 'storage', owns: STORAGE, mayImport: [GROUND, STORAGE], mayImportTypes: [/^runtime\/logger\.ts$/] },
  { name: 'runtime', owns: RUNTIME, mayImport: [GROUND, RUNTIME] },
  {
    name: "the core's shell",
    owns: /^actors\/raft\/(raft-actor|machine-feeds?|same-status|snapshot-desk|log-reads|stored-log)\.ts$/,
    mayImport: [GROUND, RUNTIME, RAFT],
    mayImportTypes: [NET, MESSAGES],
  },
  {
    name: 'the core',
    owns: RAFT,
    mayImport: [
      GROUND,
      /^actors\/raft\/(?!(raft-actor|machine-feeds?|same-status|snapshot-desk|log-reads|stored-log)\.ts$)/,
    ],
  },
  {
    // A fold applies the log to objects: it is where their machine and the log's files meet.
    name: 'the snapshotter',
    owns: /^actors\/snapshotter\//,
    mayImport: [GROUND, RUNTIME, STORAGE, ENTRY, /^actors\/(snapshotter|replicated|log-store)\//],
    mayImportTypes: [RAFT, MESSAGES],
  },
  {
    // Replicated objects like those that users write.
    name: 'coordination',
    owns: /^actors\/coordination\//,
    mayImport: [GROUND, RUNTIME, /^actors\/(coordination|replicated)\//],
  },
  {
    // The one that has a half on the caller's side is made where that is.
    name: 'conclave/objects',
    owns: /^actors\/replicated\/objects\/index\.ts$/,
    mayImport: [/^actors\/replicated\/objects\//, /^sync\/repl-lock-manager\.ts$/],
  },
  {
    name: 'actors',
    owns: ANY_ACTOR,
    mayImport: [GROUND, RUNTIME, STORAGE, ENTRY],
    mayImportTypes: [RAFT, MESSAGES],
  },
  { name: 'net', owns: NET, mayImport: [GROUND, RUNTIME, ENTRY, NET], mayImportTypes: [ANY_ACTOR] },
  { name: 'node', owns: NODE, mayImport: [GROUND, RUNTIME, STORAGE, ANY_ACTOR, NET, NODE] },
  { name: 'sync', owns: SYNC, mayImport: [GROUND, RUNTIME, ANY_ACTOR, SYNC], mayImportTypes: [NODE] },
  {
    name: 'metrics',
    owns: /^metrics\//,
    mayImport: [GROUND, NODE, /^actors\/replicated\/(call|latency-histogram)\.ts$/, /^metrics\//],
    mayImportTypes: [RUNTIME, ANY_ACTOR],
  },
  { name: 'testing', owns: /^testing\//, mayImport: [/^(?!cli\/)/] },
  // In a process of its own, which is the command's.
  {
    name: 'sidecar',
    owns: /^sidecar\//,
    mayImport: [
      GROUND,
      RUNTIME,
      NODE,
      SYNC,
      /^net\/address\.ts$/,
      /^actors\/coordination\//,
      /^actors\/replicated\/objects\/index\.ts$/,
      /^metrics\/index\.ts$/,
      /^sidecar\//,
    ],
  },
  // The one subcommand that runs a sidecar.
  {
    name: "the command's sidecar",
    owns: /^cli\/sidecar(-backends)?\.ts$/,
    mayImport: [GROUND, /^cli\//, /^sidecar\//],
  },
  // The one that holds a lock, by way of a sidecar.
  {
    name: "the command's lock",
    owns: /^cli\/lock\.ts$/,
    mayImport: [GROUND, /^cli\//, /^sync\/(defaults|sync|sidecar\/sidecar)\.ts$/],
    mayImportTypes: [SYNC],
  },
  // It knows nodes by what they answer: it loads none.
  {
    name: 'command',
    owns: /^cli\//,
    mayImport: [GROUND, /^net\/(address|admin\/admin-(client|request))\.ts$/, /^cli\//],
  },
  { name: 'public', owns: /^[^/]+\.ts$/, mayImport: [/^[^/]+\.ts$/, RUNTIME, STORAGE, ANY_ACTOR, NET, NODE] },
];

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** By `import('…')`: loaded when it comes to that, if ever. */
  readonly isDynamic: boolean;
}

const STATEMENT = /^\s*(import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g;

/** Every import and re-export of a file, as its text says; `import('…')` counts as code, since it may be. */
export function importsOf(source: string): Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '');
  return [
    ...[...code.matchAll(STATEMENT)].map((match) => ({
      specifier: match[3]!,
      typeOnly: match[2] !== undefined,
      isDynamic: false,
    })),
    ...[...code.matchAll(DYNAMIC)].map((match) => ({ specifier: match[1]!, typeOnly: false, isDynamic: true })),
  ];
}

/** Which files below `src/` are loaded with this one. */
export function loadedWith(file: string, read: (file: string) => string): ReadonlySet<string> {
  const loaded = new Set([file]);
  // What is added meanwhile is visited, too.
  for (const each of loaded) {
    for (const { specifier, typeOnly, isDynamic } of importsOf(read(each))) {
      if (specifier.startsWith('.') && !typeOnly && !isDynamic) loaded.add(targetOf(each, specifier));
    }
  }
  return loaded;
}

function targetOf(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}

/** What is wrong with the imports of `file` (a path below `src/`); empty when nothing is. */
export function violationsOf(file: string, source: string): string[] {
  const layer = LAYERS.find((each) => each.owns.test(file));
  if (layer === undefined) return [`${file} belongs to no layer`];
  const violations: string[] = [];
  for (const { specifier, typeOnly } of importsOf(source)) {
    if (!specifier.startsWith('.')) continue;
    const target = targetOf(file, specifier);
    if (isOwnFolder(layer, file, target) || layer.mayImport.some((allowed) => allowed.test(target))) continue;
    if (typeOnly && layer.mayImportTypes?.some((allowed) => allowed.test(target)) === true) continue;
    violations.push(`${file} (${layer.name}) imports ${typeOnly ? 'types of ' : ''}${target}`);
  }
  return violations;
}

/** Each folder below `actors/` is a component of its own: it sees itself, but not its neighbours. */
function isOwnFolder(layer: Layer, file: string, target: string): boolean {
  return layer.name === 'actors' && target.startsWith(file.split('/').slice(0, 2).join('/') + '/');
}
