/**
 * `conclave/testing`: what tests of programs that use Conclave need. What is named here is public; nothing else is.
 */

export { LocalCluster, type LocalClusterOptions } from './local-cluster.js';
