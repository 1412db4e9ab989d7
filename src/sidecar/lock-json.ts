/**
 * A lock as Metaparticle's clients know it. Pure.
 */

/** What is said of a lock. */
export interface LockState {
  readonly name: string;
  /** Empty: nobody holds it. */
  readonly owner: string;
  /** 0n: none is known. */
  readonly token: bigint;
  /** Until when it is held at the latest if nothing more is heard of its holder, by this machine's calendar clock. */
  readonly expiresAtMs: number;
}

/** What answers have in their bodies. */
export interface LockJson {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion: string };
  readonly kind: 'Lock';
  readonly apiVersion: 'metaparticle.io/v1';
  readonly spec: { readonly owner: string; readonly expiry: string };
}

export function lockJson({ name, owner, token, expiresAtMs }: LockState, namespace: string): LockJson {
  return {
    metadata: { name, namespace, resourceVersion: String(token) },
    kind: 'Lock',
    apiVersion: 'metaparticle.io/v1',
    spec: { owner, expiry: new Date(expiresAtMs).toISOString() },
  };
}
