/** The manifests of deploy/: what Kubernetes' own schemas say of them, and what they promise. No cluster is asked. */

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { conclaveCommand } from '../../../src/cli/command.js';
import type { SidecarFlags } from '../../../src/cli/sidecar-backends.js';
import { leaseNameOf } from '../../../src/sync/index.js';
import { FOLDERS, kustomizationOf, manifestsOf, ROOT, type Folder } from './support/folders.js';
import { checkBySchema, type Manifest } from './support/manifest.js';

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

describe.each(FOLDERS)('deploy/kubernetes/%s', (folder) => {
  it('is as the schemas of Kubernetes have it', () => {
    const manifests = manifestsOf(folder);

    for (const manifest of manifests) checkBySchema(manifest);
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

/** What the command makes of what a container gives it. */
function flagsOf([subcommand, ...args]: readonly string[]): SidecarFlags {
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  const io = {
    out: say,
    err: say,
    isTerminal: false,
    isAtTerminal: false,
    signal: new AbortController().signal,
    onSignal: () => () => {},
  };
  const command = conclaveCommand(io, () => {}).commands.find((each) => each.name() === subcommand)!;
  // Its checks run, and nothing is started.
  command.action(() => {});
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    throw new Error(said.join(''), { cause: error });
  }
  return command.opts();
}

/** The arguments that the shell of a pod gives the command. */
function saidInPod(index: number): string[] {
  const [sidecar] = podOf('cluster').initContainers;
  const script = sidecar!.args![0]!.replace('exec node /app/node_modules/conclave/dist/cli/main.js', 'echo');
  const [shell, ...flags] = sidecar!.command!;
  const env = { PATH: process.env['PATH'] ?? '', POD_NAME: `conclave-${index}`, POD_NAMESPACE: 'shop' };
  return execFileSync(shell!, [...flags, script], { env, encoding: 'utf8' })
    .trim()
    .split(' ');
}

function inPod(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\(([A-Z_]+)\)/g, (_, name: string) => env[name]!);
}

describe('what the manifests tell the command', () => {
  it('is understood, of the sidecar on Leases', () => {
    const args = podOf('leases').initContainers[0]!.args!;

    const flags = flagsOf(args.map((arg) => inPod(arg, { POD_NAME: 'app-1', POD_NAMESPACE: 'shop' })));

    expect(flags).toEqual({ backend: 'kubernetes', namespace: 'shop', identity: 'app-1', ttl: 30_000 });
  });

  it('is understood, of the Raft cluster', () => {
    const flags = flagsOf(saidInPod(1));

    expect(flags).toEqual({
      backend: 'raft',
      self: 'conclave-1.conclave.shop.svc:4321',
      peers: ['conclave-0.conclave.shop.svc:4321', 'conclave-2.conclave.shop.svc:4321'],
      bind: '0.0.0.0:4321',
      identity: 'conclave-1',
      ttl: 30_000,
      dataDir: '/data',
    });
  });

  it.each([
    [['--backend', 'kubernetes', '--data-dir', '/data'], '--data-dir is for --backend raft'],
    [['--backend', 'etcd'], 'Allowed choices'],
    [['--backend', 'memory', '--lease', '15s'], "unknown option '--lease'"],
  ])('would be refused as %j', (args, complaint) => {
    expect(() => flagsOf(['sidecar', ...args])).toThrow(complaint);
  });
});

describe('the schemas', () => {
  it('notice what is wrong', () => {
    const wrong = structuredClone(find('cluster', 'StatefulSet'));
    wrong['spec'].template.spec.initContainers[0].restartPolicy = 7;
    const unknown = structuredClone(find('cluster', 'StatefulSet'));
    unknown['spec'].template.spec.containers[0].securityContext.readOnlyRootFileSystem = true;

    expect(() => checkBySchema(wrong)).toThrow(/restartPolicy/);
    expect(() => checkBySchema(unknown)).toThrow(/deeply equal/);
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

    const { self, peers, identity } = flagsOf(saidInPod(index));

    const all = Array.from({ length: replicas }, (_, i) => `conclave-${i}.conclave.shop.svc:4321`);
    expect({ self, peers, identity }).toEqual({
      self: all[index],
      peers: all.filter((_, i) => i !== index),
      identity: `conclave-${index}`,
    });
  });

  it('keeps its log on a volume of its own', () => {
    const { volumeClaimTemplates } = find('cluster', 'StatefulSet')['spec'] as {
      volumeClaimTemplates: { metadata: { name: string } }[];
    };

    const mounted = podOf('cluster').initContainers[0]!.volumeMounts!.map(({ name }) => name);

    expect(volumeClaimTemplates.map(({ metadata }) => metadata.name)).toEqual(mounted);
  });
});
