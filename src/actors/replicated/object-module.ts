/**
 * Finds a class in the module that it says it is in, on the caller's thread to see that this works, and on the
 * object's thread to have it.
 */

import { toPlainError } from '../../errors.js';
import type { ClassLoader } from './class-loader.js';
import { invalidObject } from './describe-class.js';

/**
 * How long a module may take to load. A module that waits at its top level for the very runtime that loads it would
 * otherwise wait for ever.
 */
const IMPORT_TIMEOUT_MS = 10_000;

/**
 * What to do about a module that is no JavaScript, where the caller's thread cannot load it either: an inline node
 * could not.
 */
const ADVICE_TO_CALLER =
  'Node loads JavaScript only: compile it first, or, in vitest, have that load conclave, too (docs/testing.md)';
const ADVICE_TO_THREAD = 'the object thread loads JavaScript: compile it first, or use threads: false';

type Exports = Readonly<Record<string, unknown>>;

/**
 * The name under which a module exports a class.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT` when the module cannot be loaded, or does not export it.
 */
export async function exportNameOf(
  object: string,
  module: string,
  value: Function,
  timeoutMs?: number,
): Promise<string> {
  const exports = await importModule(object, module, ADVICE_TO_CALLER, timeoutMs);
  const names = Object.keys(exports).filter((name) => exports[name] === value);
  const name = names.includes(value.name) ? value.name : names[0];
  if (name !== undefined) return name;
  if (isNamesake(exports[value.name], value)) {
    const twice =
      `has a class that is not the one which ${module} exports as ${value.name} when Node loads it: the module has been loaded ` +
      'twice, here by a test runner perhaps, which must load conclave, too (docs/testing.md)';
    throw invalidObject(object, twice, { class: value.name, module });
  }
  const complaint = `has a class that ${module} does not export: write "export" before the class ${value.name} there`;
  throw invalidObject(object, complaint, { class: value.name, module });
}

/**
 * What a module exports under a name.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT` when the module cannot be loaded, or exports no such thing.
 */
export async function importExport(object: string, module: string, exportName: string): Promise<unknown> {
  const exports = await importModule(object, module, ADVICE_TO_THREAD);
  if (Object.hasOwn(exports, exportName)) return exports[exportName];
  const complaint =
    `has a class that is not exported as ${exportName} when ${module} is loaded on the object's thread: ` +
    'export it whatever the thread';
  throw invalidObject(object, complaint, { module });
}

/** Finds classes by loading their modules. */
export const moduleClasses: ClassLoader = { exportNameOf, importExport };

async function importModule(
  object: string,
  module: string,
  advice: string,
  timeoutMs = IMPORT_TIMEOUT_MS,
): Promise<Exports> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const complaint =
        `has a module that has not finished loading after ${timeoutMs} ms. If ${module} awaits the start of ` +
        'the runtime at its top level, move the class into a file of its own';
      reject(invalidObject(object, complaint, { module }));
    }, timeoutMs);
  });
  const imported = (import(module) as Promise<Exports>).catch((cause: unknown) => {
    throw invalidObject(
      object,
      `has a module that cannot be loaded: ${module}: ${messageOf(cause)}${isNoJavaScript(cause) ? `; ${advice}` : ''}`,
      { module },
      cause,
    );
  });
  try {
    return await Promise.race([imported, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same class once more, as far as can be seen. */
function isNamesake(exported: unknown, value: Function): boolean {
  return typeof exported === 'function' && exported.name === value.name;
}

function isNoJavaScript(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_UNKNOWN_FILE_EXTENSION';
}

function messageOf(thrown: unknown): string {
  return toPlainError(thrown).message;
}
