/**
 * What a pod is given to find the API server, and to be known there: the folder of its service account, at another
 * place. The official client reads it at one place only, so what it asks the disk for there it is given from here.
 */

import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';

const IN_A_POD = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface ServiceAccount {
  readonly token: string;
  readonly namespace: string;
  readonly 'ca.crt': string;
}

export class ServiceAccountFolder {
  readonly #root = fs.mkdtempSync(join(tmpdir(), 'conclave-pod-'));

  /** @param url where the environment of a pod says that the API server is; null: it does not say */
  constructor(account: ServiceAccount, url: string | null) {
    for (const [file, text] of Object.entries(account)) this.write(file as keyof ServiceAccount, text);
    this.#redirect('accessSync');
    this.#redirect('readFileSync');
    const { hostname, port } = url === null ? {} : new URL(url);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', hostname);
    vi.stubEnv('KUBERNETES_SERVICE_PORT', port);
    vi.stubEnv('KUBECONFIG', undefined);
    vi.stubEnv('HOME', this.#root);
  }

  /** As the kubelet does: whoever reads it reads either the old one or the new one. */
  write(file: keyof ServiceAccount, text: string): void {
    fs.writeFileSync(join(this.#root, 'next'), text);
    fs.renameSync(join(this.#root, 'next'), join(this.#root, file));
  }

  /** Nothing is as in a pod any more. */
  remove(): void {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    fs.rmSync(this.#root, { recursive: true });
  }

  #redirect(method: 'accessSync' | 'readFileSync'): void {
    const original = fs[method] as (file: unknown, ...more: unknown[]) => unknown;
    const redirected = (file: unknown, ...more: unknown[]): unknown => {
      const isThere = typeof file === 'string' && file.startsWith(`${IN_A_POD}/`);
      return original(isThere ? join(this.#root, file.slice(IN_A_POD.length)) : file, ...more);
    };
    vi.spyOn(fs, method).mockImplementation(redirected);
  }
}
