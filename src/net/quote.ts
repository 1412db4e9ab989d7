/**
 * Text from the network on its way into logs and messages. Pure.
 */

/** As much as a message has room for. */
export const QUOTED_CHARS_MAX = 512;

/** `text` in quotes and with escapes, so that it cannot pass for anything else; what is past `charsMax` is cut off. */
export function quote(text: string, charsMax = QUOTED_CHARS_MAX): string {
  return JSON.stringify(text.slice(0, charsMax));
}
