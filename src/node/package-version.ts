/** Which Conclave this is, as package.json has it; a test compares the two. Here, so that bundles have it as well. */

export const PACKAGE_VERSION = '0.1.0';
