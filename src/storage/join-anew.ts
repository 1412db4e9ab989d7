/**
 * The one piece of advice for a data directory that cannot be trusted, as the end of a sentence. It is that of
 * docs/durability.md: a copy that is older than a vote or an acknowledgement has forgotten it, and is not safe.
 */

export const JOIN_ANEW =
  'empty the data directory and let the node join anew; a copy of it would do only if the node has promised nothing since ' +
  'it was made.';
