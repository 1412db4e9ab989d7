/**
 * What every transport must do, whatever it is made of. Run against each implementation of the port.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Incarnation, NodeId } from '../../../src/ids.js';
import type { Logger } from '../../../src/runtime/logger.js';
import { observerId } from '../../../src/net/hello.js';
import type { Settings } from '../../../src/net/settings.js';
import type { Transport, TransportOptions } from '../../../src/net/transport.js';
import { life, until } from './support/loopback.js';
import { Recorder, RecordingLogger } from './support/recorder.js';
import { numbered, numberedBytes, numberOf, sampleMessages } from './support/sample-messages.js';

/** How the suite drives an implementation. */
export interface Network {
  /** Three node ids, ascending. */
  readonly ids: readonly [NodeId, NodeId, NodeId];
  transport(options: TransportOptions & { readonly logger: Logger }): Transport;
  /** Breaks the connection between the first two nodes; a new one follows. */
  disconnect(): void;
  /** Cuts the first two nodes off from each other until `heal`. */
  partition(): void;
  heal(): void;
  close(): Promise<void>;
}

interface Node {
  readonly id: NodeId;
  readonly transport: Transport;
  readonly seen: Recorder;
  readonly logger: RecordingLogger;
}

export function describeTransport(name: string, createNetwork: () => Promise<Network>): void {
  describe(`${name} conforms to Transport`, () => {
    let network: Network;
    let started: Transport[];
    let a: NodeId;
    let b: NodeId;
    let c: NodeId;

    beforeEach(async () => {
      network = await createNetwork();
      started = [];
      [a, b, c] = network.ids;
    });

    afterEach(async () => {
      await Promise.all(started.map((transport) => transport.stop()));
      await network.close();
    });

    function create(
      self: NodeId,
      peers: readonly NodeId[],
      incarnation: Incarnation,
      settings: Settings = { members: 'all' },
    ): Node {
      const logger = new RecordingLogger();
      const transport = network.transport({ cluster: 'conformance', self, incarnation, peers, settings, logger });
      started.push(transport);
      return { id: self, transport, seen: new Recorder(), logger };
    }

    async function start(...options: Parameters<typeof create>): Promise<Node> {
      const node = create(...options);
      await node.transport.start(node.seen);
      return node;
    }

    function connected(x: Node, y: Node): Promise<unknown> {
      return until(() => x.transport.isConnected(y.id) && y.transport.isConnected(x.id));
    }

    async function startPair(): Promise<[Node, Node]> {
      const pair: [Node, Node] = [await start(a, [b], life('a')), await start(b, [a], life('b'))];
      await connected(...pair);
      return pair;
    }

    it('connects all nodes, each being told once who the other is', async () => {
      const nodes = [
        await start(a, [b, c], life('a')),
        await start(b, [a, c], life('b')),
        await start(c, [a, b], life('c')),
      ];

      await until(() => nodes.every((node) => node.seen.events.length === 2));

      expect(nodes[0]!.seen.events.toSorted()).toEqual([`+${b}`, `+${c}`].toSorted());
      expect(nodes[1]!.seen.events.toSorted()).toEqual([`+${a}`, `+${c}`].toSorted());
      expect(nodes[2]!.seen.incarnations.toSorted()).toEqual([life('a'), life('b')]);
    });

    it.each(['to the larger id', 'to the smaller id'])('carries every message unchanged, %s', async (direction) => {
      const [x, y] = await startPair();
      const [sender, receiver] = direction === 'to the larger id' ? [x, y] : [y, x];
      const sent = Object.values(sampleMessages(sender.id));

      for (const message of sent) sender.transport.send(receiver.id, message);
      sender.transport.flush();
      await until(() => receiver.seen.messages.length === sent.length);

      expect(receiver.seen.messages.map(plain)).toEqual(sent.map(plain));
    });

    it('names as sender whom the connection belongs to, whatever the message says', async () => {
      const [x, y] = await startPair();

      x.transport.send(y.id, numbered(c, 1));
      x.transport.flush();
      await until(() => y.seen.messages.length === 1);

      expect(y.seen.messages[0]!.from).toBe(a);
    });

    it('delivers nothing within send or flush', async () => {
      const [x, y] = await startPair();

      x.transport.send(y.id, numbered(a, 1));
      x.transport.flush();

      expect(y.seen.messages).toEqual([]);
      await until(() => y.seen.messages.length === 1);
    });

    it('keeps the order of messages, small and large, and doubles none', async () => {
      const [x, y] = await startPair();
      const sizes = [0, 10, 4_096, 4_097, 70_000, 100, 300_000];

      for (let i = 0; i < 700; i++) {
        x.transport.send(y.id, i % 3 === 0 ? numbered(a, i) : numberedBytes(a, i, sizes[i % sizes.length]!));
        if (i % 11 === 0) x.transport.flush();
      }
      x.transport.flush();
      await until(() => y.seen.messages.length >= 700);

      expect(y.seen.messages.map(numberOf)).toEqual(Array.from({ length: 700 }, (_, i) => i));
      const wrong = y.seen.messages.filter((message) => {
        if (message.type !== 'appendEntries') return false;
        const { round, entries } = message;
        return Buffer.compare(entries, new Uint8Array(sizes[round % sizes.length]!).fill(round & 255)) !== 0;
      });
      expect(wrong).toEqual([]);
    });

    it('answers a message from within the handler', async () => {
      const [x, y] = await startPair();
      for (const [node, other] of [
        [x, y],
        [y, x],
      ] as const) {
        node.seen.afterMessage = (message) => {
          if (numberOf(message) >= 200) return;
          node.transport.send(other.id, numbered(node.id, numberOf(message) + 1));
          node.transport.flush();
        };
      }

      x.transport.send(y.id, numbered(a, 1));
      x.transport.flush();
      await until(() => x.seen.messages.length === 100);

      expect(x.seen.messages.map(numberOf)).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i + 2));
    });

    it('drops what is sent to a peer that is not connected or not known', async () => {
      const x = await start(a, [b], life('a'));

      x.transport.send(b, numbered(a, 1));
      x.transport.send(c, numbered(a, 2));
      x.transport.flush();
      const y = await start(b, [a], life('b'));
      await connected(x, y);
      x.transport.send(b, numbered(a, 3));
      x.transport.flush();
      await until(() => y.seen.messages.length > 0);

      expect(y.seen.messages.map(numberOf)).toEqual([3]);
    });

    it('connects again after a connection broke, and tells both sides', async () => {
      const [x, y] = await startPair();

      network.disconnect();
      await until(() => x.seen.events.length >= 3 && y.seen.events.length >= 3);

      expect(x.seen.events.slice(0, 3)).toEqual([`+${b}`, `-${b}`, `+${b}`]);
      expect(y.seen.events.slice(0, 3)).toEqual([`+${a}`, `-${a}`, `+${a}`]);
    });

    it('loses messages with a connection, but neither doubles nor reorders any', async () => {
      const [x, y] = await startPair();

      for (let i = 0; i < 3_000; i++) {
        x.transport.send(y.id, numberedBytes(a, i, 1_000));
        if (i % 20 === 0) x.transport.flush();
        if (i % 1_000 === 500) {
          network.disconnect();
          await until(() => x.seen.events.at(-1) === `+${b}` && x.seen.events.length === 3 + 2 * Math.floor(i / 1_000));
          await connected(x, y);
        }
      }
      x.transport.send(y.id, numbered(a, 3_000));
      x.transport.flush();
      await until(() => y.seen.messages.some((message) => numberOf(message) === 3_000));

      const numbers = y.seen.messages.map(numberOf);
      expect(numbers).toEqual([...new Set(numbers)].toSorted((m, n) => m - n));
    });

    it('stays disconnected while the nodes cannot reach each other, and connects when they can', async () => {
      const [x, y] = await startPair();

      network.partition();
      await until(() => !x.transport.isConnected(b) && !y.transport.isConnected(a));
      network.heal();
      await connected(x, y);
      y.transport.send(x.id, numbered(b, 1));
      y.transport.flush();

      await until(() => x.seen.messages.length === 1);

      expect(x.seen.events).toEqual([`+${b}`, `-${b}`, `+${b}`]);
    });

    describe.each(['smaller', 'larger'])('with a node that was stopped, the %s id', (which) => {
      let staying: Node;
      let leaving: Node;
      let other: Node;

      beforeEach(async () => {
        const nodes = [
          await start(a, [b, c], life('a')),
          await start(b, [a, c], life('b')),
          await start(c, [a, b], life('c')),
        ] as const;
        [leaving, staying, other] = which === 'smaller' ? nodes : [nodes[1], nodes[0], nodes[2]];
        await until(() => nodes.every((node) => node.seen.events.length === 2));
        await leaving.transport.stop();
        await until(() => !staying.transport.isConnected(leaving.id) && !other.transport.isConnected(leaving.id));
      });

      it('takes it back if it is the same one', async () => {
        const same = await start(leaving.id, [staying.id, other.id], life(which === 'smaller' ? 'a' : 'b'));
        await connected(same, staying);
        await connected(same, other);

        expect(staying.seen.events.slice(-2)).toEqual([`-${leaving.id}`, `+${leaving.id}`]);
      });

      it('refuses it for ever if it was started anew; all sides say so, once', async () => {
        const errors = ({ logger }: Node): string[] => logger.lines.filter((line) => line.startsWith('error'));

        const anew = await start(leaving.id, [staying.id, other.id], life('d'));
        await until(() => errors(anew).length === 2 && errors(staying).length === 1 && errors(other).length === 1);
        network.disconnect();
        await until(() => staying.logger.count('has been restarted') >= 2);

        expect([staying, other].map((node) => node.transport.isConnected(leaving.id))).toEqual([false, false]);
        expect(staying.seen.incarnations).not.toContain(life('d'));
        expect(errors(staying)).toEqual([expect.stringContaining(life('d'))]);
        expect(errors(anew).filter((line) => line.includes('has been restarted and has forgotten'))).toHaveLength(2);
        expect(errors(anew)).toHaveLength(2);
      });
    });

    it('has forgotten nothing of a peer that it refused: the one that it knows is taken back', async () => {
      const [x, y] = await startPair();
      await y.transport.stop();
      const anew = await start(b, [a], life('d'));
      await until(() => x.logger.count('error') === 1);
      await anew.transport.stop();

      const same = await start(b, [a], life('b'));
      await connected(x, same);

      expect(x.seen.incarnations).toEqual([life('b'), life('b')]);
    });

    it('takes observers whatever they were before', async () => {
      const x = await start(a, [b], life('a'));
      const id = observerId(life('e'));
      const [watcher, same] = [create(id, [a], life('e')), create(id, [a], life('e'))];
      await watcher.transport.start(watcher.seen);
      await connected(watcher, x);
      await watcher.transport.stop();
      await until(() => !x.transport.isConnected(id));

      await same.transport.start(same.seen);
      await connected(same, x);
      const another = await start(observerId(life('f')), [a], life('f'));
      await connected(another, x);

      expect(x.logger.count('error')).toBe(0);
    });

    it('refuses nodes and observers with other settings, and tells both sides which', async () => {
      const x = await start(a, [b, c], life('a'));
      const y = await start(b, [a], life('b'), { members: 'some' });
      const watcher = await start(observerId(life('e')), [a], life('e'), { members: 'some' });
      const z = await start(c, [a], life('c'));
      await connected(x, z);

      const said = 'must be the same on all nodes';
      await until(() => [y, watcher].every(({ logger }) => logger.count(said) > 0) && x.logger.count(said) > 1);

      expect(x.seen.events).toEqual([`+${c}`]);
      expect(y.logger.count('members')).toBeGreaterThan(0);
      expect([y, watcher].map(({ transport }) => transport.isConnected(a))).toEqual([false, false]);
    });

    it('takes no settings that are too long for a hello', () => {
      expect(() => create(a, [b], life('a'), { members: 'x'.repeat(3_000) })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_OPTION' }),
      );
    });

    it('delivers nothing after stop has been called, not even the rest of a batch', async () => {
      const [x, y] = await startPair();
      let stopping: Promise<void> | undefined;
      y.seen.afterMessage = () => {
        stopping = y.transport.stop();
      };

      for (let i = 0; i < 10; i++) x.transport.send(y.id, numbered(a, i));
      x.transport.flush();
      await until(() => stopping !== undefined);
      await stopping;
      await until(() => !x.transport.isConnected(b));

      expect(y.seen.messages.map(numberOf)).toEqual([0]);
      expect(y.seen.events).toEqual([`+${a}`]);
    });

    it('can be stopped twice, before start, and used after stop', async () => {
      const [x, y] = await startPair();

      await Promise.all([x.transport.stop(), x.transport.stop()]);
      await x.transport.stop();
      x.transport.send(y.id, numbered(a, 1));
      x.transport.flush();
      await create(c, [a], life('c')).transport.stop();

      expect(x.transport.isConnected(b)).toBe(false);
      expect(y.seen.messages).toEqual([]);
    });

    it('refuses to start where another node listens, naming the address', async () => {
      await start(a, [b], life('a'));

      await expect(start(a, [b], life('d'))).rejects.toMatchObject({
        code: 'ERR_ADDRESS_UNAVAILABLE',
        data: { address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
      });
    });

    it("takes an observer, which belongs to no node's peers", async () => {
      const x = await start(a, [b], life('a'));
      const y = await start(b, [a], life('b'));
      const watcher = await start(observerId(life('e')), [a, b], life('e'));
      await connected(watcher, x);
      await connected(watcher, y);

      watcher.transport.send(a, numbered(watcher.id, 1));
      watcher.transport.flush();
      y.transport.send(watcher.id, numbered(b, 2));
      y.transport.flush();
      await until(() => x.seen.messages.length === 1 && watcher.seen.messages.length === 1);

      expect(x.seen.messages[0]!.from).toBe('observer-eeeeeeeeeeee');
      expect(watcher.seen.messages[0]!.from).toBe(b);
    });
  });
}

/** Views of bytes compared by what they show. */
function plain(message: object): object {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value]),
  );
}
