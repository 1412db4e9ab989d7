/**
 * Text from the network on its way into logs and messages. Pure.
 */

/** As much as a message has room for. */
export const QUOTED_CHARS_MAX = 512;

/** A sentence as somebody else has put it, quotes and all; what is no plain text in it is escaped. */
export function cite(text: string): string {
  return `“${quote(text).slice(1, -1).replaceAll('\\"', '"')}”`;
}

/** `text` in quotes and with escapes, so that it cannot pass for anything else; what is past `charsMax` is cut off. */
export function quote(text: string, charsMax = QUOTED_CHARS_MAX): string {
  return JSON.stringify(text.slice(0, charsMax));
}
