/**
 * What a sidecar is asked by mistake, or by somebody who means harm: clear answers, and others are served all the
 * while.
 */

import { describe, expect, it } from 'vitest';
import { request, SidecarHost } from './support/running-sidecar.js';
import type { RawClient } from './support/raw-client.js';

const QUICK = { headersMs: 200, requestMs: 300, checkEveryMs: 20 } as const;

describe('a sidecar answers', () => {
  it.each([
    ['a body that is not JSON', request('PUT', '/locks/x', { body: '{"oops' }), 400],
    [
      'a body that is no JSON, whatever it says it is',
      request('PUT', '/locks/x', { body: 'a=b', headers: 'Content-Type: application/x-www-form-urlencoded\r\n' }),
      400,
    ],
    [
      'a body that is JSON and says it is something else',
      request('PUT', '/locks/x', { body: '{}', headers: 'Content-Type: text/plain\r\n' }),
      200,
    ],
    [
      'a type without a body',
      request('PUT', '/locks/x', { headers: 'Content-Type: application/json\r\nContent-Length: 0\r\n' }),
      200,
    ],
    ['a type that is none', request('PUT', '/locks/x', { headers: 'Content-Type: ;;;\r\nContent-Length: 0\r\n' }), 200],
    ['a body that names no lock', request('POST', '/locks', { body: '{"metadata":{}}' }), 400],
    ['a body that is null', request('POST', '/locks', { body: 'null' }), 400],
    [
      'a body that says how much it has, which is too much',
      request('PUT', '/locks/x', { headers: 'Content-Length: 99999999\r\n' }),
      413,
    ],
    ['a path that there is not', request('GET', '/lock/x'), 404],
    ['a path that there is not, by a verb that there is not', request('PATCH', '/'), 404],
    ['a lock without a name', request('GET', '/locks/'), 404],
    ['a name of 512 bytes', request('PUT', `/locks/${'n'.repeat(512)}`), 200],
    ['a name of 513 bytes', request('PUT', `/locks/${'n'.repeat(513)}`), 400],
    ['a name of 512 bytes, percent-encoded', request('PUT', `/locks/${'%00'.repeat(512)}`), 200],
    ['a name of 513 bytes, percent-encoded', request('GET', `/locks/${'%FF'.repeat(513)}`), 400],
    [
      'a name in a body of 513 bytes',
      request('POST', '/locks', { body: JSON.stringify({ name: 'n'.repeat(513) }) }),
      400,
    ],
    ['a name in a body that is no text', request('POST', '/locks', { body: '{"name":"\\ud800"}' }), 400],
    ['an address that is longer than any', request('GET', `/locks/${'n'.repeat(20_000)}`), 431],
    ['a time to wait that is none', request('PUT', '/locks/x?waitMs=soon'), 400],
    ['a time to wait that is negative', request('PUT', '/locks/x?waitMs=-1'), 400],
    ['a time to wait twice', request('PUT', '/locks/x?waitMs=1&waitMs=2'), 400],
    ['a time to wait that is longer than any', request('PUT', '/locks/x?waitMs=9999999999'), 400],
    ['a client that is not to be read', request('PUT', '/locks/x', { headers: 'X-Sync-Client: a b\r\n' }), 400],
    [
      'a client with a name that is too long',
      request('PUT', '/locks/x', { headers: `X-Sync-Client: ${'c'.repeat(129)}\r\n` }),
      400,
    ],
    ['a web page', request('PUT', '/locks/x', { headers: 'Origin: http://evil.example\r\n' }), 403],
    ['what is no request', 'HELLO THERE\r\n\r\n', 400],
    ['a verb that nobody knows', request('BREW', '/locks/x'), 400],
  ])('%s', async (_, bytes, status) => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');

    const answer = await host.ask(running, bytes);

    expect(answer.status).toBe(status);
    expect((await host.ask(running, request('PUT', '/locks/other'))).status).toBe(200);
  });

  it.each(['PATCH', 'OPTIONS', 'PROPFIND', 'TRACE', 'LOCK'])('%s by saying what is allowed', async (method) => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');

    const answers = [
      await host.ask(running, request(method, '/locks/x')),
      await host.ask(running, request(method, '/locks')),
      await host.ask(running, request(method, '/healthz?x=1')),
    ];

    expect(answers.map(({ status, headers }) => [status, headers.get('allow')])).toEqual([
      [405, 'GET, HEAD, PUT, POST, DELETE'],
      [405, 'GET, HEAD, POST'],
      [405, 'GET, HEAD'],
    ]);
  });

  it('names of any bytes, each of them another lock', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    const paths = [
      '%FF',
      '%FE',
      '%EF%BF%BD',
      '%25FF',
      'a/b',
      'a%2Fb%00',
      '%C3%A4',
      '%E2%82%AC',
      '..',
      '%2e',
      'a;b',
      'a+b',
      '%',
      '%zz',
      'x%20y',
      '__proto__',
    ];

    const statuses: number[] = [];
    for (const path of paths) {
      statuses.push((await host.ask(running, request('GET', `/locks/${path}`))).status);
      statuses.push((await host.ask(running, request('PUT', `/locks/${path}`))).status);
      statuses.push((await host.ask(running, request('GET', `/locks/${path}`))).status);
    }

    expect(statuses).toEqual(paths.flatMap(() => [404, 200, 200]));
  });

  it('the same name in whichever spelling', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    await host.ask(running, request('PUT', '/locks/%78%c3%A4'));

    const { status, body } = await host.ask(running, request('GET', '/locks/x%C3%a4'));

    expect([status, JSON.parse(body).metadata.name]).toEqual([200, 'xä']);
  });
});

describe('a sidecar goes on for others', () => {
  it('while a client sends its request byte by byte, and then not at all', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1', { limits: QUICK });
    const slow = await host.connect(running);
    slow.write('PUT /locks/x HT');

    const others = await host.ask(running, request('PUT', '/locks/other'));
    const told = await slow.answer();
    await slow.ended();

    expect([others.status, told.status]).toEqual([200, 408]);
  });

  it('while a client sends its body never', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1', { limits: QUICK });
    const slow = await host.connect(running);
    slow.write('PUT /locks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{');

    await slow.ended();

    expect((await host.ask(running, request('GET', '/locks/x'))).status).toBe(404);
  });

  it('while a client connects and says nothing', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1', { limits: QUICK });
    const silent = await host.connect(running);

    await silent.ended();

    expect((await host.ask(running, request('PUT', '/locks/x'))).status).toBe(200);
  });

  it('while a body comes that has no end', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1');
    const flood = await host.connect(running);
    flood.write('PUT /locks/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
    flood.write(chunk);
    flood.write(chunk);

    expect((await flood.answer()).status).toBe(413);
    await flood.ended();
    expect((await host.ask(running, request('PUT', '/locks/x'))).status).toBe(200);
  });

  it('when there are more connections than there may be: the one that has been idle for longest ends', async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1', { limits: { connectionsMax: 50 } });
    const first = await host.connect(running);
    await first.ask(request('PUT', '/locks/x'));
    const waiting = await host.connect(running);
    waiting.write(request('PUT', '/locks/x?waitMs=60000', { headers: 'X-Sync-Client: other\r\n' }));
    const idle: RawClient[] = [];
    for (let i = 0; i < 49; i++) idle.push(await host.connect(running));

    await first.ended();
    const late = await host.ask(running, request('DELETE', '/locks/x'));

    expect(late.status).toBe(200);
    expect((await waiting.answer()).status).toBe(200);
  });

  it('with thousands of idle connections', { timeout: 30_000 }, async () => {
    await using host = new SidecarHost();
    const running = await host.start('pod-1', { limits: { connectionsMax: 1_000 } });
    for (let i = 0; i < 2_000; i += 100) await Promise.all(Array.from({ length: 100 }, () => host.connect(running)));

    const answer = await host.ask(running, request('PUT', '/locks/x'));

    expect(answer.status).toBe(200);
    const metrics = await host.ask(running, request('GET', '/metrics'));
    expect(Number(/^conclave_sidecar_connections (\d+)$/m.exec(metrics.body)![1])).toBeLessThanOrEqual(1_000);
  });
});
