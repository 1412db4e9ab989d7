/**
 * What locks and elections are given where their users say nothing else. Pure: whoever shows it to people loads nothing
 * with it.
 */

/** After so long whoever is not heard of has lost what it holds. */
export const TTL_MS_DEFAULT = 15_000;
/** Where a sidecar is. */
export const SIDECAR_URL_DEFAULT = 'http://localhost:13131';
