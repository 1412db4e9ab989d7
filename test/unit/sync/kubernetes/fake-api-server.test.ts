/** The fake API server says what the real one says: its tests stand on that. */

import { describe, expect, it } from 'vitest';
import { ManualTime } from '../support/manual-time.js';
import { FakeApiServer, type ApiAnswer } from './support/fake-api-server.js';
import type { LeaseObject } from './support/lease-object.js';

const BASE = '/apis/coordination.k8s.io/v1/namespaces/test/leases';

interface Answer {
  readonly status: number;
  readonly body: LeaseObject & { readonly message?: string; readonly reason?: string; readonly code?: number };
}

class Scene {
  readonly time = new ManualTime();
  readonly server = new FakeApiServer(this.time);

  constructor() {
    this.server.admit('me');
  }

  async ask(
    method: string,
    name: string,
    lease: LeaseObject | null = null,
    token: string | null = 'me',
  ): Promise<Answer> {
    const url = name === '' ? BASE : `${BASE}/${name}`;
    const answer = await this.server.handle({ method, url, token, body: lease === null ? '' : JSON.stringify(lease) });
    const { status, body } = answer as ApiAnswer;
    return { status, body: JSON.parse(body) as Answer['body'] };
  }

  create(name: string, spec: LeaseObject['spec'] = {}): Promise<Answer> {
    return this.ask('POST', '', { metadata: { name }, spec });
  }

  async watch(query: string, token = 'me'): Promise<{ lines: string[]; hasEnded: () => boolean; outcome: unknown }> {
    const lines: string[] = [];
    let hasEnded = false;
    const url = `${BASE}?watch=true&${query}`;
    const outcome = await this.server.watch(
      { method: 'GET', url, token, body: '' },
      { onLine: (line) => lines.push(line), onEnd: () => (hasEnded = true) },
    );
    return { lines, hasEnded: () => hasEnded, outcome };
  }
}

describe('the fake API server', () => {
  it('says in the words of the real one what is not there, was there before, and has changed meanwhile', async () => {
    const scene = new Scene();

    const missing = await scene.ask('GET', 'x');
    const { body: created } = await scene.create('x', { holderIdentity: 'a' });
    const again = await scene.create('x');
    await scene.ask('PUT', 'x', { ...created, spec: { holderIdentity: 'b' } });
    const late = await scene.ask('PUT', 'x', { ...created, spec: { holderIdentity: 'c' } });

    expect(missing).toEqual({
      status: 404,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'leases.coordination.k8s.io "x" not found',
        reason: 'NotFound',
        details: { name: 'x', group: 'coordination.k8s.io', kind: 'leases' },
        code: 404,
      },
    });
    expect(again.body).toMatchObject({ reason: 'AlreadyExists', code: 409 });
    expect(late.body).toMatchObject({
      reason: 'Conflict',
      code: 409,
      message:
        'Operation cannot be fulfilled on leases.coordination.k8s.io "x": the object has been modified; please apply your ' +
        'changes to the latest version and try again',
    });
  });

  it('creates what is PUT and not there, unless it says which one it is', async () => {
    const scene = new Scene();

    const created = await scene.ask('PUT', 'x', { metadata: { name: 'x', resourceVersion: '7' }, spec: {} });
    scene.server.store.delete('x');
    const gone = await scene.ask('PUT', 'x', created.body);

    expect(created.status).toBe(201);
    expect(gone.body).toMatchObject({ reason: 'Conflict', code: 409 });
    expect(gone.body.message).toContain('Precondition failed: UID in precondition');
  });

  it('refuses to replace what is there without a version', async () => {
    const scene = new Scene();
    await scene.create('x');

    const answer = await scene.ask('PUT', 'x', { metadata: { name: 'x' }, spec: { holderIdentity: 'a' } });

    expect(answer).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
    expect(answer.body.message).toContain(
      'metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
  });

  it('has no new version for a PUT that changes nothing', async () => {
    const scene = new Scene();
    const { body } = await scene.create('x', { holderIdentity: 'a' });

    const same = await scene.ask('PUT', 'x', body);

    expect(same).toEqual({ status: 200, body });
  });

  it.each(['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.123Z', '2026-01-01T00:00:00.1234567Z'])(
    'cannot read the time %s',
    async (renewTime) => {
      const { status, body } = await new Scene().create('x', { renewTime });

      expect([status, body.reason]).toEqual([400, 'BadRequest']);
      expect(body.message).toContain('Lease in version "v1" cannot be handled as a Lease: parsing time');
    },
  );

  it('refuses fields that have no sense', async () => {
    const scene = new Scene();

    const answers = await Promise.all([
      scene.create('x', { leaseDurationSeconds: 0 }),
      scene.create('x', { preferredHolder: 'b' }),
      scene.create('X_y'),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([422, 422, 422]);
    expect(answers[0].body.message).toBe(
      'Lease.coordination.k8s.io "x" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    );
  });

  it('lets everybody do what two rules allow, and no more', async () => {
    const scene = new Scene();
    scene.server.admit('pod', [{ verbs: ['create'] }, { verbs: ['get', 'update', 'watch'], resourceNames: ['x'] }]);

    const unknown = await scene.ask('GET', 'x', null, 'nobody');
    const created = await scene.ask('POST', '', { metadata: { name: 'x' }, spec: {} }, 'pod');
    const other = await scene.ask('GET', 'y', null, 'pod');
    const watching = await scene.watch('fieldSelector=metadata.name=x', 'pod');
    const watchingAll = await scene.watch('', 'pod');

    expect([unknown.status, created.status, other.status]).toEqual([401, 201, 403]);
    expect(other.body.message).toBe(
      'leases.coordination.k8s.io "y" is forbidden: User "system:serviceaccount:test:pod" cannot get resource "leases" in API ' +
        'group "coordination.k8s.io" in the namespace "test"',
    );
    expect(watching.outcome).toBeTypeOf('function');
    expect(watchingAll.outcome).toMatchObject({ status: 403 });
  });

  it('tells who watches what there is, what happens, and how far that goes', async () => {
    const scene = new Scene();
    const { body: x } = await scene.create('x', { holderIdentity: 'a' });
    const { lines } = await scene.watch('fieldSelector=metadata.name=x&allowWatchBookmarks=true');

    await scene.create('y');
    await scene.ask('PUT', 'x', { ...x, spec: { holderIdentity: 'b' } });
    scene.server.bookmark();
    scene.server.store.delete('x');

    const events = lines.map((line) => JSON.parse(line) as { type: string; object: LeaseObject });
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'BOOKMARK', 'DELETED']);
    const versions = events.map(({ object }) => Number(object.metadata!.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });

  it('goes on from a version, unless what came after it is forgotten', async () => {
    const scene = new Scene();
    const { body } = await scene.create('x', { holderIdentity: 'a' });
    await scene.ask('PUT', 'x', { ...body, spec: { holderIdentity: 'b' } });
    const since = `fieldSelector=metadata.name=x&resourceVersion=${body.metadata!.resourceVersion}`;

    const resumed = await scene.watch(since);
    scene.server.store.compact();
    const late = await scene.watch(since);
    await Promise.resolve();
    scene.server.refusesExpiredWatches = true;
    const refused = await scene.watch(since);

    expect(resumed.lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['MODIFIED']);
    expect(JSON.parse(late.lines[0]!)).toMatchObject({ type: 'ERROR', object: { reason: 'Expired', code: 410 } });
    expect(late.hasEnded()).toBe(true);
    expect(refused.outcome).toMatchObject({ status: 410 });
  });

  it('does what has arrived, also when its answer is lost', async () => {
    const scene = new Scene();
    scene.server.faultsOf('me').dropAfterCommit = 1;
    const request = {
      method: 'POST',
      url: BASE,
      token: 'me',
      body: JSON.stringify({ metadata: { name: 'x' }, spec: {} }),
    };

    const outcome = await scene.server.handle(request);

    expect(outcome).toBe('dropped');
    expect((await scene.ask('GET', 'x')).status).toBe(200);
  });
});
