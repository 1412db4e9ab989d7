/** The folders of deploy/kubernetes, each a kustomization of its own. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { manifestsIn, type Manifest } from './manifest.js';

export const ROOT = fileURLToPath(new URL('../../../../deploy/kubernetes', import.meta.url));
export const FOLDERS = ['leases', 'cluster'] as const;

export type Folder = (typeof FOLDERS)[number];

export function kustomizationOf(folder: Folder): Manifest {
  return manifestsInFile(`${folder}/kustomization.yaml`)[0]!;
}

/** What its files say, as they stand there. */
export function manifestsOf(folder: Folder): Manifest[] {
  return (kustomizationOf(folder)['resources'] as string[]).flatMap((file) => manifestsInFile(`${folder}/${file}`));
}

function manifestsInFile(file: string): Manifest[] {
  return manifestsIn(readFileSync(`${ROOT}/${file}`, 'utf8'));
}
