/**
 * What kustomize makes of deploy/kubernetes: the one in `kubectl`, whichever is installed. Debian's is of 2021, and
 * others have it newer: what comes out must be the same. A project of its own, for `kubectl` is nothing that a
 * developer must have: .ci/run runs it.
 */

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FOLDERS, manifestsOf, ROOT, type Folder } from '../unit/deploy/support/folders.js';
import { checkBySchema, manifestsIn, type Manifest } from '../unit/deploy/support/manifest.js';

function kustomized(folder: Folder): Manifest[] {
  return manifestsIn(execFileSync('kubectl', ['kustomize', `${ROOT}/${folder}`], { encoding: 'utf8' }));
}

/** By kind and name, for the order is kustomize's own. */
function byName(manifests: readonly Manifest[]): Record<string, Manifest> {
  return Object.fromEntries(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest]));
}

/** With the image of the sidecar that the kustomization names. */
function withImage(manifest: Manifest): Manifest {
  const replaced = structuredClone(manifest);
  for (const container of replaced['spec']?.template?.spec.initContainers ?? [])
    if (container.image === 'conclave') container.image = 'registry.example/conclave:0.1.0';
  return replaced;
}

it('all folders there are', () => {
  expect(readdirSync(ROOT).toSorted()).toEqual(FOLDERS.toSorted());
});

describe.each(FOLDERS)('kubectl kustomize deploy/kubernetes/%s', (folder) => {
  it('makes what is as the schemas of Kubernetes have it', () => {
    const manifests = kustomized(folder);

    for (const manifest of manifests) checkBySchema(manifest);
    expect(manifests.length).toBeGreaterThan(1);
  });

  it('makes what the files say, with the image that the kustomization names', () => {
    const made = kustomized(folder);

    expect(byName(made)).toEqual(byName(manifestsOf(folder).map(withImage)));
  });
});
