/**
 * Checks that options are what they should be, for callers without types: what is misspelt would be ignored otherwise.
 * Pure.
 */

/**
 * @throws TypeError when these are no options, or there is one among them that is not known. `what` starts a sentence.
 */
export function checkOptions(options: unknown, known: readonly string[], what: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `${what} takes an object of options (${known.join(', ')}), not a value of type ${typeof options}.`,
    );
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new TypeError(`${what} has no option ${unknown}; there is ${known.join(', ')}.`);
}
