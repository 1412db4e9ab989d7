/** The command against whole nodes, over their own ports, and against what is no node. */

import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ReplCounter } from '../../../src/actors/replicated/objects/index.js';
import type { RuntimeOptions } from '../../../src/node/options.js';
import { Runtime } from '../../../src/node/runtime.js';
import type { NodeId } from '../../../src/ids.js';
import { freeAddresses, until } from '../net/support/loopback.js';
import { run } from './recorded-io.js';

type Objects = { readonly hits: typeof ReplCounter };
type Node = Runtime<Objects>;

const QUICK = { electionTimeoutMs: [100, 200], heartbeatMs: 20, callTimeoutMs: 5_000 } as const;
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

async function start(
  self: string,
  peers: readonly string[],
  more: Partial<RuntimeOptions<Objects>> = {},
): Promise<Node> {
  const node = await Runtime.start({ self, peers, objects: { hits: ReplCounter }, threads: false, ...QUICK, ...more });
  cleanups.push(() => node.stop());
  return node;
}

interface TestCluster {
  readonly leader: Node;
  readonly followers: readonly Node[];
}

async function startCluster(count: number, more: Partial<RuntimeOptions<Objects>> = {}): Promise<TestCluster> {
  const addresses = await freeAddresses(count);
  const nodes = await Promise.all(
    addresses.map((self) =>
      start(
        self,
        addresses.filter((each) => each !== self),
        more,
      ),
    ),
  );
  await Promise.all(nodes.map((node) => node.ready()));
  const leader = nodes.find((node) => node.status().role === 'leader')!;
  return { leader, followers: nodes.filter((node) => node !== leader) };
}

const addressOf = (node: Node): string => node.status().self!;

/** Listens until the test ends, and does with those who connect what it is told. */
async function listen(server: Server): Promise<string> {
  const [address] = (await freeAddresses(1)) as [NodeId];
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => void server.listen(Number(address.split(':')[1]), '127.0.0.1', resolve));
  cleanups.push(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return address;
}

describe('conclave status', () => {
  it('says as JSON what status() of that node says', async () => {
    const { followers } = await startCluster(2);
    const [node] = followers as [Node];

    const { code, out } = await run(['status', addressOf(node), '--json']);

    const { self, leader, term, members, health } = node.status();
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ self, leader, term, members, health, role: 'follower' });
  });

  it('says it as a table otherwise', async () => {
    const { leader } = await startCluster(2);

    const { code, out } = await run(['status', addressOf(leader)]);

    expect(code).toBe(0);
    expect(out).toMatch(/^role +leader$/m);
    expect(out).toMatch(/^health +ok: it takes part$/m);
    expect(out).toMatch(/^codeVersion +0$/m);
    expect(out).toMatch(/^ +id +role +connected .*lastContactAtMs +entriesBehind$/m);
    expect(out.match(/ voter +yes/g)).toHaveLength(2);
  });

  it('says it again and again where it is watched, also when the node is gone', async () => {
    const { leader } = await startCluster(1);
    const enough = new AbortController();
    let times = 0;
    const onOut = (text: string): void => {
      times++;
      if (times === 2) void leader.stop();
      if (text.includes('ERR_UNREACHABLE')) enough.abort();
    };

    const args = ['status', addressOf(leader), '--json', '--watch', '0.01'];
    const { code, out } = await run(args, { signal: enough.signal, onOut });

    expect(code).toBe(0);
    expect(times).toBeGreaterThan(2);
    for (const line of out.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });
});

describe('conclave add and remove', () => {
  it('do what members.add and remove do, whichever node is asked', async () => {
    const [newcomer] = (await freeAddresses(1)) as [NodeId];
    const { leader, followers } = await startCluster(3);
    const joining = await start(newcomer, [], { join: true });
    const asked = addressOf(followers[0]!);

    const added = await run(['add', asked, newcomer]);
    await joining.ready();
    const votersThen = leader.members.list().length;
    const removed = await run(['remove', asked, newcomer, '--json']);
    await until(() => joining.status().health === 'stopped');

    expect(added).toMatchObject({ code: 0, out: `${newcomer} is a member.\n` });
    expect(votersThen).toBe(4);
    expect(removed).toMatchObject({ code: 0, out: `{"removed":"${newcomer}"}\n` });
    expect(leader.members.list()).toHaveLength(3);
  });

  it('remove answers although it is the node that was asked that goes', async () => {
    const { leader } = await startCluster(3);

    const { code, err } = await run(['remove', addressOf(leader), addressOf(leader)]);

    expect({ code, err }).toEqual({ code: 0, err: '' });
    await until(() => leader.status().health === 'stopped');
  });

  it('end with 1 and the code of the error where the cluster refuses', async () => {
    const { leader, followers } = await startCluster(2);

    const twice = await run(['add', addressOf(leader), addressOf(followers[0]!)]);
    const unknown = await run(['remove', addressOf(leader), '127.0.0.1:1', '--json']);

    expect(twice).toMatchObject({ code: 1, out: '' });
    expect(twice.err).toContain('ERR_ALREADY_MEMBER');
    expect(unknown.code).toBe(1);
    expect(JSON.parse(unknown.err)).toMatchObject({ error: { code: 'ERR_NO_SUCH_MEMBER', mayBeApplied: false } });
  });

  it('end with 5 where it has not come about in time', async () => {
    const [nobody] = (await freeAddresses(1)) as [NodeId];
    const { leader } = await startCluster(1);

    const { code, err } = await run(['add', addressOf(leader), nobody, '--timeout', '0.2']);

    expect(code).toBe(5);
    const hint = 'has not caught up yet, and is not connected to this node: was it started, with join: true?';
    expect(err).toContain(`${hint} If the change was begun, it goes on by itself; remove takes it back.`);
  });
});

describe('conclave transfer', () => {
  it('has the member lead that it names', async () => {
    const { followers } = await startCluster(3);
    const [asked, target] = followers as [Node, Node];

    const { code, out } = await run(['transfer', addressOf(asked), addressOf(target)]);

    expect({ code, out }).toEqual({ code: 0, out: `${addressOf(target)} leads.\n` });
    expect(target.status().role).toBe('leader');
  });

  it('has another one lead where none is named, and does not say that there is no leader', async () => {
    const { leader } = await startCluster(3);

    const { code, out } = await run(['transfer', addressOf(leader), '--json']);

    expect({ code, out }).toEqual({ code: 0, out: '{}\n' });
    await until(() => leader.status().role !== 'leader');
  });
});

describe('conclave compact', () => {
  it('has the node that is asked take a snapshot', async () => {
    const { leader } = await startCluster(1);
    await leader.objects.hits.inc();

    const { code, out } = await run(['compact', addressOf(leader), '--json']);

    expect(code).toBe(0);
    await until(() => leader.status().snapshotIndex > 0);
    expect(JSON.parse(out)).toEqual({ index: leader.status().snapshotIndex });
  });
});

describe('who cannot be asked', () => {
  it('is one that does not listen: 3', async () => {
    const [nobody] = (await freeAddresses(1)) as [NodeId];

    const { code, err } = await run(['status', nobody]);

    expect(code).toBe(3);
    expect(err).toContain('nobody listens there');
  });

  it('is one that listens and says nothing: 3, once the time is over', async () => {
    const silent = await listen(createServer());

    const { code, err } = await run(['status', silent, '--timeout', '0.1']);

    expect(code).toBe(3);
    expect(err).toContain('no answer within 100 ms');
  });

  it('is an HTTP server: 4', async () => {
    const http = await listen(createHttpServer());

    const { code, err } = await run(['remove', http, '127.0.0.1:1']);

    expect(code).toBe(4);
    expect(err).toBe(`ERR_PROTOCOL: What listens on ${http} is no node of Conclave, or one of another version.\n`);
  });

  it('is one that closes the connection, and one that sends noise: 4', async () => {
    const closing = await listen(createServer((socket) => void socket.end()));
    const noisy = await listen(createServer((socket) => void socket.write(Buffer.alloc(64, 5))));

    expect((await run(['status', closing])).code).toBe(4);
    expect((await run(['status', noisy])).code).toBe(4);
  });

  it('is one that says all back, and one that says more than was asked for: 4', async () => {
    const echo = await listen(createServer((socket) => void socket.pipe(socket)));
    const talkative = await listen(
      createServer(
        (socket) => void socket.once('data', (hello: Buffer) => socket.write(Buffer.concat([hello, hello]))),
      ),
    );

    for (const address of [echo, talkative]) {
      const { code, err } = await run(['add', address, 'c.example:1']);

      expect([code, err]).toEqual([4, expect.stringContaining('is no node of Conclave')]);
    }
  });

  it('is a node of another cluster than the one that is named: 4, and nothing happens', async () => {
    const { leader, followers } = await startCluster(2, { cluster: 'shop' });

    const wrong = await run(['remove', addressOf(leader), addressOf(followers[0]!), '--cluster', 'bank']);
    const right = await run(['status', addressOf(leader), '--cluster', 'shop']);

    expect(wrong.code).toBe(4);
    const address = addressOf(leader);
    const reason = `"${address}" belongs to cluster "shop", not "bank".`;
    expect(wrong.err).toBe(`ERR_HELLO_REFUSED: ${address} refuses: ${reason}\n`);
    expect(leader.members.list()).toHaveLength(2);
    expect(right.code).toBe(0);
  });
});
