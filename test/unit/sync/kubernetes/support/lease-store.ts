/**
 * Leases of one namespace as an API server keeps them: compare-and-swap on resourceVersion, a PUT that creates, and the
 * events since the last compaction. Knows neither time nor clients.
 */

import { alreadyExists, conflict, expired, internalError, invalid, notFound } from './api-status.js';
import { checkLease } from './lease-checks.js';
import type { LeaseObject } from './lease-object.js';

export interface LeaseEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  readonly object: LeaseObject;
}

export class LeaseStore {
  readonly #namespace: string;
  readonly #leases = new Map<string, LeaseObject>();
  readonly #listeners = new Set<(event: LeaseEvent) => void>();
  #events: LeaseEvent[] = [];
  /** Of all that is kept in the cluster; Leases are the least of it. */
  #version = 1_000;
  /** Events up to this version are not known any more. */
  #compacted = 0;
  #uids = 0;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  get version(): number {
    return this.#version;
  }

  get(name: string): LeaseObject {
    const lease = this.#leases.get(name);
    if (lease === undefined) throw notFound(name);
    return lease;
  }

  has(name: string): boolean {
    return this.#leases.has(name);
  }

  names(): string[] {
    return [...this.#leases.keys()];
  }

  create(lease: LeaseObject): LeaseObject {
    const { name, resourceVersion = '' } = lease.metadata!;
    if (name === undefined) {
      throw invalid('', [
        {
          reason: 'FieldValueRequired',
          message: 'Required value: name or generateName is required',
          field: 'metadata.name',
        },
      ]);
    }
    if (resourceVersion !== '') throw internalError('resourceVersion should not be set on objects to be created');
    checkLease(lease);
    if (this.#leases.has(name)) throw alreadyExists(name);
    return this.#create(name, lease);
  }

  /** Whether it was created, too: a PUT of what is not there does that, whatever version it names. */
  replace(name: string, lease: LeaseObject): { readonly lease: LeaseObject; readonly isCreated: boolean } {
    const { uid = '', resourceVersion = '' } = lease.metadata!;
    const existing = this.#leases.get(name);
    const existingUid = existing?.metadata!.uid ?? '';
    if (uid !== '' && uid !== existingUid) throw conflict(name, this.#otherUid(name, uid, existing));
    if (existing === undefined) {
      checkLease(lease);
      return { lease: this.#create(name, lease), isCreated: true };
    }
    if (resourceVersion === '' || resourceVersion === '0') {
      const message = 'Invalid value: 0: must be specified for an update';
      throw invalid(name, [{ reason: 'FieldValueInvalid', message, field: 'metadata.resourceVersion' }], 'leases');
    }
    if (resourceVersion !== existing.metadata!.resourceVersion) throw conflict(name);
    checkLease(lease);
    const { uid: keptUid, creationTimestamp } = existing.metadata!;
    const metadata = {
      ...lease.metadata,
      name,
      namespace: this.#namespace,
      uid: keptUid!,
      creationTimestamp: creationTimestamp!,
    };
    const next = { ...lease, metadata };
    // What changes nothing is not written, and has no version of its own.
    if (sameContent(next, existing)) return { lease: existing, isCreated: false };
    return { lease: this.#keep('MODIFIED', next), isCreated: false };
  }

  delete(name: string): void {
    const lease = this.get(name);
    this.#leases.delete(name);
    this.#tell('DELETED', { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } });
  }

  /** Something else in the cluster is written. */
  writeElsewhere(times = 1): void {
    this.#version += times;
  }

  /** Forgets all events. */
  compact(): void {
    this.#compacted = this.#version;
    this.#events = [];
  }

  /** @throws Refused when they are not known any more */
  eventsSince(version: number): readonly LeaseEvent[] {
    if (version < this.#compacted) throw expired(version, this.#compacted);
    return this.#events.filter((event) => event.version > version);
  }

  listen(listener: (event: LeaseEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #create(name: string, lease: LeaseObject): LeaseObject {
    const uid = `00000000-0000-4000-8000-${String(++this.#uids).padStart(12, '0')}`;
    const metadata = {
      ...lease.metadata,
      name,
      namespace: this.#namespace,
      uid,
      creationTimestamp: '2026-01-01T00:00:00Z',
    };
    return this.#keep('ADDED', { ...lease, metadata });
  }

  #keep(type: 'ADDED' | 'MODIFIED', lease: LeaseObject): LeaseObject {
    const kept = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } };
    this.#leases.set(kept.metadata.name!, kept);
    this.#tell(type, kept);
    return kept;
  }

  #tell(type: LeaseEvent['type'], object: LeaseObject): void {
    const event = { type, version: this.#version, object };
    this.#events.push(event);
    for (const listener of this.#listeners) listener(event);
  }

  #otherUid(name: string, uid: string, existing: LeaseObject | undefined): string {
    const key = `/registry/leases/${this.#namespace}/${name}`;
    const { resourceVersion = '0', uid: found = '' } = existing?.metadata ?? {};
    return (
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: ${resourceVersion}, AdditionalErrorMsg: ` +
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${found}`
    );
  }
}

function sameContent(one: LeaseObject, other: LeaseObject): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined && each !== null);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, sorted(each)]));
}
