/**
 * The image of deploy/Dockerfile, without a builder of images: whatever it copies is there, whatever it runs exists,
 * and what it starts is in the package as npm packs it.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const INSTALLED = '/app/node_modules/conclave/';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

interface Package {
  readonly bin: { readonly conclave: string };
  readonly files: readonly string[];
  readonly workspaces: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** What npm says that it packs. */
interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function read(file: string): string {
  return readFileSync(ROOT + file, 'utf8');
}

function stagesIn(dockerfile: string): Stage[] {
  const instructions = dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line): Instruction => {
      const [, name, text] = /^(\S+)\s+(.*)$/.exec(line)!;
      return { name: name!, text: text! };
    });
  const starts = instructions.flatMap(({ name }, i) => (name === 'FROM' ? [i] : []));
  return starts.map((start, i) => {
    const [, base, name = ''] = /^(\S+)(?: AS (\S+))?$/.exec(instructions[start]!.text)!;
    return { name, base: base!, instructions: instructions.slice(start + 1, starts[i + 1]) };
  });
}

function textsOf(stage: Stage, name: string): string[] {
  return stage.instructions.filter((instruction) => instruction.name === name).map(({ text }) => text);
}

/** Does the list of what a builder is given have it? What is there is said by `!`, after everything was excluded. */
function isInContext(path: string): boolean {
  const [everything, ...rest] = read('deploy/Dockerfile.dockerignore').trim().split('\n');
  expect(everything).toBe('*');
  const allowed = rest.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  const [top] = path.split('/');
  return allowed.some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(top!));
}

describe('the image', () => {
  const manifest = JSON.parse(read('package.json')) as Package;
  const stages = stagesIn(read('deploy/Dockerfile'));
  const [build, install, last] = stages as [Stage, Stage, Stage];
  let packed: Packed;

  beforeAll(() => {
    const args = ['pack', '--dry-run', '--ignore-scripts', '--json'];
    [packed] = JSON.parse(execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' })) as [Packed];
  });

  it('is made in stages, of a Node.js that the package runs on, and runs as nobody of rights', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'install', '']);
    expect(new Set(stages.map(({ base }) => base)).size).toBe(1);
    const [, major] = /^node:(\d+)-alpine$/.exec(last.base)!;
    expect(Number(major)).toBe(Number.parseInt(manifest.engines.node.replace('>=', ''), 10));
    expect(textsOf(last, 'USER')).toEqual(['1000:1000']);
    expect(textsOf(last, 'RUN')).toEqual([]);
  });

  it('copies what is there, and what a builder is given', () => {
    const sources = textsOf(build, 'COPY').flatMap((text) => text.split(' ').slice(0, -1));
    const missing = sources.filter((source) => source !== '.' && !(existsSync(ROOT + source) && isInContext(source)));

    expect(missing).toEqual([]);
    expect(sources).toContain('.');
    // What npm installs must know of all packages there are.
    for (const workspace of manifest.workspaces) expect(sources).toContain(`${workspace}/package.json`);
  });

  it('is given all that is built and packed', () => {
    const wanted = manifest.files.filter((file) => !file.startsWith('!') && file !== 'dist');
    const configs: string[] = [];
    for (let next: string | undefined = 'tsconfig.build.json'; next !== undefined;) {
      configs.push(next);
      next = /"extends": "\.\/([^"]+)"/.exec(read(next))?.[1];
    }

    expect([...wanted, ...configs].filter((file) => !isInContext(file))).toEqual([]);
    expect(configs.length).toBeGreaterThan(1);
    expect(isInContext('test')).toBe(false);
  });

  it('copies from one stage to another what was made there', () => {
    const [[packedFrom, packedTo], [appFrom, appTo]] = [install, last].map((stage) =>
      textsOf(stage, 'COPY')[0]!.split(' ').slice(-2),
    ) as [[string, string], [string, string]];
    const runs = textsOf(build, 'RUN').join(' && ');

    expect([...textsOf(install, 'COPY'), ...textsOf(last, 'COPY')].map((text) => text.split(' ')[0])).toEqual([
      '--from=build',
      '--from=install',
    ]);
    expect(runs).toContain(`--pack-destination ${packedFrom.replace('/*.tgz', '')}`);
    expect(packed.filename).toMatch(/\.tgz$/);
    expect(textsOf(install, 'RUN').join(' ')).toContain(`${packedTo}*.tgz`);
    expect([appFrom, appTo]).toEqual([...textsOf(install, 'WORKDIR'), ...textsOf(last, 'WORKDIR')]);
  });

  it('runs only those scripts that there are', () => {
    const scripts = stages.flatMap((stage) => [
      ...textsOf(stage, 'RUN')
        .join(' ')
        .matchAll(/npm run (\S+)/g),
    ]);

    expect(scripts.map(([, script]) => script)).toEqual(['build:package']);
    expect(manifest.scripts).toHaveProperty('build:package');
  });

  it('brings the optional packages in the versions that the package asks for', () => {
    const installed = textsOf(install, 'RUN').join(' ');

    for (const [name, version] of Object.entries(manifest.peerDependencies))
      expect(installed).toContain(` ${name}@${version}`);
  });

  it('starts the command as it is packed, also where a manifest names it', () => {
    const [runtime, script] = JSON.parse(textsOf(last, 'ENTRYPOINT')[0]!) as [string, string];
    const path = script.replace(INSTALLED, '');

    expect([runtime, `./${path}`]).toEqual(['node', manifest.bin.conclave]);
    expect(packed.files.map((file) => file.path)).toContain(path);
    expect(read('deploy/kubernetes/cluster/stateful-set.yaml')).toContain(`exec node ${script} sidecar`);
    const help = execFileSync(runtime, [ROOT + path, ...(JSON.parse(textsOf(last, 'CMD')[0]!) as string[]), '--help']);
    expect(help.toString()).toContain('Usage: conclave sidecar');
  });
});
