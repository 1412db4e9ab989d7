/** The manifests of deploy/: what Kubernetes' own schemas say of them, and what they promise. No cluster is asked. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dumpYaml, loadYaml } from '@kubernetes/client-node';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Role, RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { Service, ServiceAccount } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { leaseNameOf } from '../../../src/sync/index.js';

const ROOT = fileURLToPath(new URL('../../../deploy/kubernetes', import.meta.url));
const FOLDERS = ['leases', 'cluster'] as const;

type Folder = (typeof FOLDERS)[number];

interface Container {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly startupProbe?: unknown;
  readonly volumeMounts?: readonly { readonly name: string }[];
  readonly securityContext: unknown;
}

interface Manifest {
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

function manifestsIn(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(`${ROOT}/${file}`, 'utf8')).map((document) => document.toJS() as Manifest);
}

function kustomizationOf(folder: Folder): Manifest {
  return manifestsIn(`${folder}/kustomization.yaml`)[0]!;
}

function manifestsOf(folder: Folder): Manifest[] {
  return (kustomizationOf(folder)['resources'] as string[]).flatMap((file) => manifestsIn(`${folder}/${file}`));
}

function find(folder: Folder, kind: string): Manifest {
  return manifestsOf(folder).find((manifest) => manifest.kind === kind)!;
}

function podOf(folder: Folder): {
  readonly initContainers: Container[];
  readonly containers: Container[];
  readonly [field: string]: unknown;
} {
  return find(folder, folder === 'leases' ? 'Deployment' : 'StatefulSet')['spec'].template.spec;
}

/** The schemas say what fields must be like, and the official client, which leaves out what it does not know, which there are. */
function check(manifest: Manifest): void {
  const model = MODELS[`${manifest.apiVersion} ${manifest.kind}`];
  if (model === undefined) throw new Error(`nothing checks ${manifest.apiVersion} ${manifest.kind}`);
  new model(manifest as never).validate();
  const known: unknown = parse(dumpYaml(loadYaml(stringify(manifest))));
  expect(known).toEqual(manifest);
}

describe.each(FOLDERS)('deploy/kubernetes/%s', (folder) => {
  it('is as the schemas of Kubernetes have it', () => {
    const manifests = manifestsOf(folder);

    for (const manifest of manifests) check(manifest);
    expect(manifests.length).toBeGreaterThan(1);
  });

  it('has a kustomization that names what is there, and all of it', () => {
    const { resources, images, ...others } = kustomizationOf(folder) as unknown as Record<string, unknown>;
    const files = readdirSync(`${ROOT}/${folder}`).filter((file) => file !== 'kustomization.yaml');

    expect((resources as string[]).toSorted()).toEqual(files.toSorted());
    expect((images as { name: string }[]).map(({ name }) => name)).toEqual(['conclave']);
    expect(others).toEqual({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' });
  });

  it('has a native sidecar that the application waits for', () => {
    const { initContainers } = podOf(folder);

    expect(initContainers).toMatchObject([{ name: 'conclave', image: 'conclave', restartPolicy: 'Always' }]);
    expect(initContainers[0]!.startupProbe).toBeDefined();
  });

  it('runs nothing as root, and lets nothing write what it runs from', () => {
    const { initContainers, containers, securityContext } = podOf(folder);

    expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    const bare = {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    };
    const all = [...initContainers, ...containers].map((container) => container.securityContext);
    expect(all).toEqual([bare, bare]);
  });
});

describe('the schemas', () => {
  it('notice what is wrong', () => {
    const wrong = structuredClone(find('cluster', 'StatefulSet'));
    wrong['spec'].template.spec.initContainers[0].restartPolicy = 7;
    const unknown = structuredClone(find('cluster', 'StatefulSet'));
    unknown['spec'].template.spec.containers[0].securityContext.readOnlyRootFileSystem = true;

    expect(() => check(wrong)).toThrow(/restartPolicy/);
    expect(() => check(unknown)).toThrow(/deeply equal/);
  });
});

describe('the sidecar on Leases', () => {
  it('may do what two rules say, of the Leases that the library uses', () => {
    const { rules } = find('leases', 'Role') as unknown as { rules: unknown };
    const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };

    expect(rules).toEqual([
      { ...leases, verbs: ['create'] },
      { ...leases, verbs: ['get', 'update', 'watch'], resourceNames: [leaseNameOf('lock', 'db-migrate')] },
    ]);
  });

  it('is bound to its Role by the account that its pods have', () => {
    const { roleRef, subjects } = find('leases', 'RoleBinding') as unknown as Record<string, unknown>;
    const account = find('leases', 'ServiceAccount').metadata.name;

    expect(roleRef).toMatchObject({ kind: 'Role', name: find('leases', 'Role').metadata.name });
    expect(subjects).toEqual([{ kind: 'ServiceAccount', name: account }]);
    expect(podOf('leases')['serviceAccountName']).toBe(account);
  });
});

describe('the Raft cluster', () => {
  it('gives each pod a name that the others find in DNS', () => {
    const { metadata, spec } = find('cluster', 'StatefulSet');
    const service = find('cluster', 'Service');

    expect(spec.serviceName).toBe(service.metadata.name);
    expect(service['spec']).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    expect(service['spec'].selector).toEqual(spec.template.metadata.labels);
    expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels);
    expect(metadata.name).toBe('conclave');
  });

  it.each([0, 1, 2])('tells pod %i of all others, and of nobody else', (index) => {
    const { replicas } = find('cluster', 'StatefulSet')['spec'] as { replicas: number };
    const [sidecar] = podOf('cluster').initContainers;
    const script = sidecar!.args![0]!.replace('exec node /app/node_modules/conclave/dist/cli/main.js', 'echo');
    const [shell, ...flags] = sidecar!.command!;
    const env = { PATH: process.env['PATH'] ?? '', POD_NAME: `conclave-${index}`, POD_NAMESPACE: 'shop' };

    const said = execFileSync(shell!, [...flags, script], { env, encoding: 'utf8' })
      .trim()
      .split(' ');

    const flag = (name: string): string => said[said.indexOf(name) + 1]!;
    const all = Array.from({ length: replicas }, (_, i) => `conclave-${i}.conclave.shop.svc:4321`);
    expect(flag('--self')).toBe(all[index]);
    expect(flag('--peers').split(',')).toEqual(all.filter((_, i) => i !== index));
    expect(flag('--identity')).toBe(`conclave-${index}`);
  });

  it('keeps its log on a volume of its own', () => {
    const { volumeClaimTemplates } = find('cluster', 'StatefulSet')['spec'] as {
      volumeClaimTemplates: { metadata: { name: string } }[];
    };

    const mounted = podOf('cluster').initContainers[0]!.volumeMounts!.map(({ name }) => name);

    expect(volumeClaimTemplates.map(({ metadata }) => metadata.name)).toEqual(mounted);
  });
});

describe('the image', () => {
  const dockerfile = readFileSync(`${ROOT}/../Dockerfile`, 'utf8');

  it('is made in stages, and runs as nobody of rights', () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

    expect(dockerfile.match(/^FROM /gm)).toHaveLength(3);
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).not.toMatch(/npm|COPY \./);
  });

  it('brings the optional packages in the versions that the package asks for', () => {
    const root = `${ROOT}/../..`;
    const { peerDependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
      peerDependencies: Record<string, string>;
    };

    for (const [name, version] of Object.entries(peerDependencies)) expect(dockerfile).toContain(`${name}@${version}`);
    expect(existsSync(`${root}/src/cli/main.ts`)).toBe(true);
  });
});
