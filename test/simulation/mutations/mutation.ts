/**
 * A mutation: a product that is broken on purpose, as a small change of its source that brings a known bug back. Pure
 * data, and how it is applied to a text; what becomes of the text is not known here.
 */

import { drawSubjects, type Subject } from 'conclave/testing';

export interface Edit {
  /** Below `src/`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly text: string;
  readonly replacement: string;
}

/**
 * Why a broken product does what a right one does: another mechanism does the same. Then there is a mutation that
 * breaks both, and is found in its place.
 */
export interface Cover {
  /** The name of that mutation. */
  readonly by: string;
  readonly why: string;
}

export interface Mutation {
  /** What the broken product does, in a few words that name nothing else in the table. */
  readonly name: string;
  /** The rule that it breaks, or the bug that it is. */
  readonly rule: string;
  readonly edits: readonly Edit[];
  /** What histories must be about to run what is broken: others need not be tried. Default: any does. */
  readonly subject?: Subject;
  /** Default: nothing else does what this breaks. */
  readonly covered?: Cover;
}

/**
 * The source of `file` with those of the edits that concern it. @throws Error unless each finds its text exactly once.
 */
export function edited(source: string, file: string, { name, edits }: Mutation): string {
  let changed = source;
  for (const { text, replacement } of edits.filter((edit) => edit.file === file)) {
    const parts = changed.split(text);
    if (parts.length !== 2) {
      throw new Error(`mutation "${name}": src/${file} has this ${parts.length - 1} times, not once:\n${text}`);
    }
    changed = parts.join(replacement);
  }
  return changed;
}

/** Those of the seeds that may show something. */
export function seedsFor({ subject }: Mutation, seeds: readonly number[]): readonly number[] {
  return subject === undefined ? seeds : seeds.filter((seed) => drawSubjects(seed).has(subject));
}

/** The files that the mutation changes. */
export function filesOf({ edits }: Mutation): readonly string[] {
  return [...new Set(edits.map(({ file }) => file))];
}
