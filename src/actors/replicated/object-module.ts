/**
 * Finds a class in the module that it says it is in, on the caller's thread to see that this works, and on the
 * object's thread to have it.
 */

import type { ClassLoader } from './class-loader.js';
import { invalidObject } from './describe-class.js';

/**
 * How long a module may take to load. A module that waits at its top level for the very runtime that loads it would
 * otherwise wait for ever.
 */
const IMPORT_TIMEOUT_MS = 10_000;

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
  const exports = await importModule(object, module, timeoutMs);
  const names = Object.keys(exports).filter((name) => exports[name] === value);
  const name = names.includes(value.name) ? value.name : names[0];
  if (name !== undefined) return name;
  const complaint = `has a class that ${module} does not export: write "export" before the class ${value.name} there`;
  throw invalidObject(object, complaint, { class: value.name, module });
}

/**
 * What a module exports under a name.
 *
 * @throws ConclaveError `ERR_INVALID_OBJECT` when the module cannot be loaded, or exports no such thing.
 */
export async function importExport(object: string, module: string, exportName: string): Promise<unknown> {
  const exports = await importModule(object, module);
  if (Object.hasOwn(exports, exportName)) return exports[exportName];
  const complaint =
    `has a class that is not exported as ${exportName} when ${module} is loaded on the object's thread: ` +
    'export it whatever the thread';
  throw invalidObject(object, complaint, { module });
}

/** Finds classes by loading their modules. */
export const moduleClasses: ClassLoader = { exportNameOf, importExport };

async function importModule(object: string, module: string, timeoutMs = IMPORT_TIMEOUT_MS): Promise<Exports> {
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
      `has a module that cannot be loaded: ${module}: ${messageOf(cause)}${adviceOn(cause)}`,
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

/** The end of the sentence that says why a module cannot be loaded. */
function adviceOn(thrown: unknown): string {
  const isNoJavaScript = thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_UNKNOWN_FILE_EXTENSION';
  return isNoJavaScript ? '; the object thread loads JavaScript: compile it first, or use threads: false' : '';
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
