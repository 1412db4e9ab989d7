/**
 * Manifests of Kubernetes as text and as objects, and what Kubernetes' own schemas say of them. No cluster is asked.
 */

import { dumpYaml, loadYaml } from '@kubernetes/client-node';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Role, RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { Service, ServiceAccount } from 'kubernetes-models/v1';
import { expect } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  // Whatever this kind has.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly [field: string]: any;
}

interface Model {
  validate(): void;
}

const MODELS: Readonly<Record<string, new (manifest: never) => Model>> = {
  'apps/v1 Deployment': Deployment,
  'apps/v1 StatefulSet': StatefulSet,
  'networking.k8s.io/v1 NetworkPolicy': NetworkPolicy,
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget,
  'rbac.authorization.k8s.io/v1 Role': Role,
  'rbac.authorization.k8s.io/v1 RoleBinding': RoleBinding,
  'v1 Service': Service,
  'v1 ServiceAccount': ServiceAccount,
};

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/**
 * The schemas say what fields must be like, and the official client, which leaves out what it does not know, which
 * there are.
 */
export function checkBySchema(manifest: Manifest): void {
  const model = MODELS[`${manifest.apiVersion} ${manifest.kind}`];
  if (model === undefined) throw new Error(`nothing checks ${manifest.apiVersion} ${manifest.kind}`);
  new model(manifest as never).validate();
  const known: unknown = parse(dumpYaml(loadYaml(stringify(manifest))));
  expect(known).toEqual(manifest);
}
