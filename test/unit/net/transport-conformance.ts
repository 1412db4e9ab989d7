/**
 * What every transport must do, whatever it is made of. Run against each implementation of the port.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { observerId, type Incarnation, type NodeId } from '../../../src/ids.js';
import type { Logger } from '../../../src/runtime/logger.js';
import type { Settings } from '../../../src/net/settings.js';
import type { NodeMessage, Transport, TransportOptions } from '../../../src/net/transport.js';
import { incarnationOf, until } from './support/loopback.js';
import { Recorder, RecordingLogger } from './support/recorder.js';
import { numbered, numberedBytes, numberedPiece, numberOf, sampleMessages } from './support/sample-messages.js';
import { CODE } from './support/code.js';

/** How the suite drives an implementation. */
export interface Network {
  /** Three node ids, ascending. */
  readonly ids: readonly [NodeId, NodeId, NodeId];
  transport(options: TransportOptions & { readonly logger: Logger }): Transport;
  /** Another process that goes by the first node's name; it can dial and be heard, but nobody finds it. */
  namesake(options: TransportOptions & { readonly logger: Logger }): Transport;
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
      make: 'transport' | 'namesake' = 'transport',
    ): Node {
      const logger = new RecordingLogger();
      const transport = network[make]({
        cluster: 'conformance',
        self,
        incarnation,
        peers,
        settings,
        code: CODE,
        logger,
      });
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
      const pair: [Node, Node] = [await start(a, [b], incarnationOf('a')), await start(b, [a], incarnationOf('b'))];
      await connected(...pair);
      return pair;
    }

    it('connects all nodes, each being told once who the other is', async () => {
      const nodes = [
        await start(a, [b, c], incarnationOf('a')),
        await start(b, [a, c], incarnationOf('b')),
        await start(c, [a, b], incarnationOf('c')),
      ];

      await until(() => nodes.every((node) => node.seen.events.length === 2));

      expect(nodes[0]!.seen.events.toSorted()).toEqual([`+${b}`, `+${c}`].toSorted());
      expect(nodes[1]!.seen.events.toSorted()).toEqual([`+${a}`, `+${c}`].toSorted());
      expect(nodes[2]!.seen.incarnations.toSorted()).toEqual([incarnationOf('a'), incarnationOf('b')]);
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
      const x = await start(a, [b], incarnationOf('a'));

      x.transport.send(b, numbered(a, 1));
      x.transport.send(c, numbered(a, 2));
      x.transport.flush();
      const y = await start(b, [a], incarnationOf('b'));
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

    describe.each([
      ['the same incarnation', incarnationOf('a'), incarnationOf('b')],
      ['another incarnation', incarnationOf('d'), incarnationOf('d')],
    ])('with a node that was stopped and comes back as %s', (_which, ofSmaller, ofLarger) => {
      it.each(['smaller', 'larger'])('takes it back: the %s id', async (which) => {
        const nodes = [
          await start(a, [b, c], incarnationOf('a')),
          await start(b, [a, c], incarnationOf('b')),
          await start(c, [a, b], incarnationOf('c')),
        ] as const;
        const [leaving, staying, other] = which === 'smaller' ? nodes : [nodes[1], nodes[0], nodes[2]];
        await until(() => nodes.every((node) => node.seen.events.length === 2));

        await leaving.transport.stop();
        const back = await start(leaving.id, [staying.id, other.id], which === 'smaller' ? ofSmaller : ofLarger);
        await until(() => [staying, other].every((node) => node.seen.events.length === 4));
        await connected(back, staying);
        await connected(back, other);

        for (const { seen, logger } of [staying, other]) {
          expect(seen.events.slice(-2)).toEqual([`-${leaving.id}`, `+${leaving.id}`]);
          expect(seen.incarnations.at(-1)).toBe(which === 'smaller' ? ofSmaller : ofLarger);
          expect(logger.count('error')).toBe(0);
        }
      });
    });

    describe('with a peer that connects while its connection stands', () => {
      const TAKEN_OVER = 'connected in another incarnation while its connection stood';
      let x: Node;
      let y: Node;

      beforeEach(async () => {
        [x, y] = await startPair();
      });

      const namesake = (incarnation: Incarnation): Node => create(a, [b], incarnation, undefined, 'namesake');

      async function startNamesake(incarnation: Incarnation): Promise<Node> {
        const node = namesake(incarnation);
        await node.transport.start(node.seen);
        await until(() => y.seen.events.length >= 3 && node.seen.events.length > 0);
        return node;
      }

      it.each([
        ['the same incarnation', incarnationOf('a')],
        ['another incarnation', incarnationOf('d')],
      ])('ends the older connection before the newer one begins: %s', async (_which, incarnation) => {
        await startNamesake(incarnation);

        expect(y.seen.history.slice(0, 3)).toEqual([`+${a} ${incarnationOf('a')}`, `-${a}`, `+${a} ${incarnation}`]);
        await until(() => x.seen.events.length >= 2);
        expect(x.seen.events.slice(0, 2)).toEqual([`+${b}`, `-${b}`]);
      });

      it('never takes a message of one incarnation for one of the other', async () => {
        const incarnations = [incarnationOf('a'), incarnationOf('d')];
        const other = namesake(incarnations[1]!);
        let next = 0;
        // Each names its sender's incarnation by the parity of its number.
        const speaking = setInterval(() => {
          for (const [parity, node] of [x, other].entries()) {
            for (let i = 0; i < 20; i++) node.transport.send(b, numberedBytes(a, 2 * next++ + parity, 500));
            node.transport.flush();
          }
        }, 0);

        const heard = (parity: number): number =>
          y.seen.messages.filter((said) => numberOf(said) % 2 === parity).length;
        await until(() => heard(0) > 100)
          .then(() => other.transport.start(other.seen))
          .then(() => until(() => heard(1) > 100))
          .finally(() => clearInterval(speaking));

        expect(misattributed(y.seen.history, incarnations)).toEqual([]);
      });

      it('tells each side only of connections that began and ended in turn', async () => {
        const other = await startNamesake(incarnationOf('d'));
        await x.transport.stop();
        await other.transport.stop();
        await until(() => !y.transport.isConnected(a));

        const ends = y.seen.events.map((event) => event[0]).join('');
        expect(ends).toMatch(/^(\+-)+$/);
        expect(y.seen.reasons).toHaveLength(y.seen.incarnations.length);
      });

      it('delivers what is sent to it to the newer one only', async () => {
        const other = await startNamesake(incarnationOf('d'));
        await x.transport.stop();
        await until(() => y.seen.incarnations.at(-1) === incarnationOf('d') && y.transport.isConnected(a));
        const before = x.seen.messages.length;

        y.transport.send(a, numbered(b, 1));
        y.transport.flush();
        await until(() => other.seen.messages.length === 1);

        expect(x.seen.messages.length).toBe(before);
      });

      it('lets the older one in again when the newer one has gone', async () => {
        const other = await startNamesake(incarnationOf('d'));

        await other.transport.stop();
        await until(() => y.seen.incarnations.at(-1) === incarnationOf('a') && y.transport.isConnected(a));
        await connected(x, y);
        x.transport.send(b, numbered(a, 1));
        x.transport.flush();

        await until(() => y.seen.messages.length === 1);
      });

      it('says so once per incarnation', async () => {
        const other = await startNamesake(incarnationOf('d'));
        const third = namesake(incarnationOf('e'));
        await other.transport.stop();
        await until(() => y.seen.incarnations.at(-1) === incarnationOf('a'));

        await third.transport.start(third.seen);
        await until(() => y.seen.incarnations.includes(incarnationOf('e')));

        const lines = y.logger.lines.filter((line) => line.includes(TAKEN_OVER));
        expect(lines.every((line) => line.startsWith('warn'))).toBe(true);
        expect(lines.filter((line) => line.includes(`"incarnation":"${incarnationOf('d')}"`))).toHaveLength(1);
        expect(lines.filter((line) => line.includes(`"incarnation":"${incarnationOf('e')}"`))).toHaveLength(1);
      });

      it('says nothing of the same incarnation', async () => {
        await startNamesake(incarnationOf('a'));

        expect(y.logger.count(TAKEN_OVER)).toBe(0);
      });

      it('can be stopped when it hears of the end of the older connection', async () => {
        let stopping: Promise<void> | undefined;
        y.seen.onDisconnected = () => void (stopping ??= y.transport.stop());
        const other = namesake(incarnationOf('d'));

        await other.transport.start(other.seen);
        await until(() => stopping !== undefined);
        await stopping;
        await until(() => !other.transport.isConnected(b) && !x.transport.isConnected(b));

        expect(y.transport.isConnected(a)).toBe(false);
        expect(y.seen.events).toEqual([`+${a}`]);
      });
    });

    it('connects to a node that stops when it hears of the connection, as soon as it is back', async () => {
      const x = await start(a, [b], incarnationOf('a'));
      const y = create(b, [a], incarnationOf('b'));
      let stopping: Promise<void> | undefined;
      y.seen.onConnected = () => void (stopping ??= y.transport.stop());
      await y.transport.start(y.seen);
      await until(() => stopping !== undefined);
      await stopping;

      const back = await start(b, [a], incarnationOf('b'));
      await connected(x, back);
      x.transport.send(b, numbered(a, 1));
      x.transport.flush();

      await until(() => back.seen.messages.length === 1);
    });

    it('carries the largest pieces of snapshots, from shared memory too, among other messages', async () => {
      const [x, y] = await startPair();

      for (let i = 0; i < 20; i++) {
        x.transport.send(y.id, numberedPiece(a, 2 * i));
        x.transport.send(y.id, numbered(a, 2 * i + 1));
        x.transport.flush();
      }
      await until(() => y.seen.messages.length === 40);

      expect(y.seen.messages.map(numberOf)).toEqual(Array.from({ length: 40 }, (_, i) => i));
      const pieces = y.seen.messages.filter((message) => message.type === 'snapshotPiece');
      expect(
        pieces.every(({ bytes, offset }) => bytes.length === 262_144 && bytes.every((byte) => byte === offset)),
      ).toBe(true);
    });

    it('connects to whom it is told to later', async () => {
      const x = await start(a, [], incarnationOf('a'));
      const y = await start(b, [], incarnationOf('b'));

      x.transport.setPeers([b]);
      y.transport.setPeers([a]);
      await connected(x, y);

      expect([x.seen.events, y.seen.events]).toEqual([[`+${b}`], [`+${a}`]]);
    });

    it.each(['the smaller', 'the larger'])('connects two of which only the one with %s id wants it', async (which) => {
      const x = await start(a, which === 'the smaller' ? [b] : [], incarnationOf('a'));
      const y = await start(b, which === 'the larger' ? [a] : [], incarnationOf('b'));

      await connected(x, y);

      expect([x.seen.events, y.seen.events]).toEqual([[`+${b}`], [`+${a}`]]);
    });

    it('stays connected to one that is no peer any more', async () => {
      const [x, y] = await startPair();

      x.transport.setPeers([]);
      y.transport.setPeers([]);
      x.transport.send(b, numbered(a, 1));
      x.transport.flush();
      await until(() => y.seen.messages.length === 1);

      expect([x.seen.events, y.seen.events]).toEqual([[`+${b}`], [`+${a}`]]);
    });

    it('takes observers whatever they were before', async () => {
      const x = await start(a, [b], incarnationOf('a'));
      const id = observerId(incarnationOf('e'));
      const [watcher, same] = [create(id, [a], incarnationOf('e')), create(id, [a], incarnationOf('e'))];
      await watcher.transport.start(watcher.seen);
      await connected(watcher, x);
      await watcher.transport.stop();
      await until(() => !x.transport.isConnected(id));

      await same.transport.start(same.seen);
      await connected(same, x);
      const another = await start(observerId(incarnationOf('f')), [a], incarnationOf('f'));
      await connected(another, x);

      expect(x.logger.count('error')).toBe(0);
    });

    it('refuses nodes and observers with other settings, and tells both sides which', async () => {
      const x = await start(a, [b, c], incarnationOf('a'));
      const y = await start(b, [a], incarnationOf('b'), { members: 'some' });
      const watcher = await start(observerId(incarnationOf('e')), [a], incarnationOf('e'), { members: 'some' });
      const z = await start(c, [a], incarnationOf('c'));
      await connected(x, z);

      const said = 'must be the same on all nodes';
      await until(() => [y, watcher].every(({ logger }) => logger.count(said) > 0) && x.logger.count(said) > 1);

      expect(x.seen.events).toEqual([`+${c}`]);
      expect(y.logger.count('members')).toBeGreaterThan(0);
      expect([y, watcher].map(({ transport }) => transport.isConnected(a))).toEqual([false, false]);
    });

    it('takes no settings that are too long for a hello', () => {
      expect(() => create(a, [b], incarnationOf('a'), { members: 'x'.repeat(3_000) })).toThrow(
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
      await create(c, [a], incarnationOf('c')).transport.stop();

      expect(x.transport.isConnected(b)).toBe(false);
      expect(y.seen.messages).toEqual([]);
    });

    it('refuses to start where another node listens, naming the address', async () => {
      await start(a, [b], incarnationOf('a'));

      await expect(start(a, [b], incarnationOf('d'))).rejects.toMatchObject({
        code: 'ERR_ADDRESS_UNAVAILABLE',
        data: { address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
      });
    });

    it("takes an observer, which belongs to no node's peers", async () => {
      const x = await start(a, [b], incarnationOf('a'));
      const y = await start(b, [a], incarnationOf('b'));
      const watcher = await start(observerId(incarnationOf('e')), [a, b], incarnationOf('e'));
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

/** The messages, by number, that came while another incarnation than their sender's was the one named last. */
function misattributed(history: readonly (string | NodeMessage)[], incarnations: readonly Incarnation[]): number[] {
  let current: string | null = null;
  const wrong: number[] = [];
  for (const item of history) {
    if (typeof item === 'string') current = item.startsWith('+') ? item.split(' ')[1]! : null;
    else if (incarnations[numberOf(item) % 2] !== current) wrong.push(numberOf(item));
  }
  return wrong;
}

/** Views of bytes compared by what they show. */
function plain(message: object): object {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value]),
  );
}
