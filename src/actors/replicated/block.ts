/**
 * The binary form of a block: all the commands that one thread submitted in one turn, encoded once by the caller
 * (block-builder.ts) and decoded by the objects only (block-reader.ts). Consensus carries it as opaque bytes. The same
 * form carries queries from caller to object; those never leave the node.
 *
 *   offset  size  field (little-endian) 0     8  session   (float64; 0 for queries) 8     8  firstSeq  (float64; the
 *        sequence number of the first command, the others follow) 16     4  number of commands 20     4  number of
 *        names 24     …  the names: length (uint16), UTF-8; see command-name.ts. The one of number 127 is empty, and
 *        there may be some that no command of the block calls …     …  one msgpack array of 2 × commands elements: name
 *        number, arguments, name number, arguments, …
 */

export const BLOCK_HEADER_BYTES = 24;

/** The number of names a block may hold: as many as it holds commands. */
export const BLOCK_NAMES_MAX = 4_096;

/**
 * The name number of a command whose caller gave up before the block was sent: it is skipped by everyone. No name has
 * it, and it is the last one that takes one byte.
 */
export const CANCELLED_NAME = 127;
