/**
 * A cluster of real processes on loopback under test: started on free ports, watched, hurt, brought back, and ended
 * with the test however that ends.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFailed, onTestFinished, vi } from 'vitest';
import type { RuntimeStatus } from 'conclave';
import { freeAddresses } from '../../unit/net/support/loopback.js';
import { Relay } from '../../unit/net/support/relay.js';
import type { LedgerSummary } from '../fixtures/ledger.js';
import type { LoadSettings } from '../fixtures/load.js';
import type { NodeEvent, NodeSettings, RegisterUse } from '../fixtures/node-messages.js';
import type { ContestSettings } from '../fixtures/lock-contender.js';
import type { ContestedRegister } from './contested-register.js';
import { History } from './history.js';
import { NodeProcess } from './node-process.js';

/** On a busy machine; it takes half a second on an idle one. */
const ELECTION_TIMEOUT_MS = 8_000;
const AGREE_TIMEOUT_MS = 10_000;
const POLL_MS = 10;
const LOG_LINES_SHOWN = 40;

export interface ClusterOptions extends Partial<NodeSettings> {
  /** Put something between the nodes that can drop their connections. */
  readonly relays?: boolean;
  /** Give each node a data directory, which is removed at the end. */
  readonly dataDirs?: boolean;
  /** What those add to who compete for a lock: then nodes keep locks. */
  readonly register?: ContestedRegister;
}

export class ProcessCluster {
  readonly nodes: NodeProcess[];
  readonly history = new History();
  /** By node: what its peers reach it through. Empty without relays. */
  readonly relays: readonly Relay[];
  readonly #failures: { readonly code: string | null; readonly complaint: string }[] = [];
  /** What each node is started with. */
  readonly #settings = new Map<string, NodeSettings>();
  /** Names callers: none is ever used twice. */
  #lives = 0;

  readonly #register: ContestedRegister | null;

  private constructor(addresses: readonly string[], relays: readonly Relay[], register: ContestedRegister | null) {
    this.relays = relays;
    this.#register = register;
    this.nodes = addresses.map((address) => new NodeProcess(address, (event) => this.#onEvent(address, event)));
  }

  /** Starts so many nodes and resolves when all are ready. They end with the test. */
  static async start(count: number, options: ClusterOptions = {}): Promise<ProcessCluster> {
    const { relays: hasRelays = false, dataDirs = false, register = null, ...settings } = options;
    const directory = dataDirs ? temporaryDirectory() : null;
    const addresses = await freeAddresses(count);
    const targets = hasRelays ? await freeAddresses(count) : addresses;
    const relays = hasRelays ? targets.map((target) => new Relay(target)) : [];
    onTestFinished(async () => void (await Promise.all(relays.map((relay) => relay.close()))));
    await Promise.all(relays.map((relay, index) => relay.listen(addresses[index]!)));
    const cluster = new ProcessCluster(addresses, relays, register);
    onTestFinished(async () => void (await Promise.all(cluster.nodes.map((node) => node.kill()))));
    onTestFailed(() => cluster.#showLogs());
    await Promise.all(
      addresses.map((self, index) => {
        const nodeSettings = {
          self,
          peers: addresses.filter((address) => address !== self),
          bind: targets[index]!,
          ...(directory === null ? {} : { dataDir: join(directory, String(index)) }),
          locks: register === null ? null : {},
          ...settings,
        };
        cluster.#settings.set(self, nodeSettings);
        return cluster.nodes[index]!.call('start', nodeSettings);
      }),
    );
    await Promise.all(cluster.nodes.map((node) => node.call('ready', null)));
    return cluster;
  }

  /** The codes of the errors with which nodes have failed. */
  get failureCodes(): (string | null)[] {
    return this.#failures.map(({ code }) => code);
  }

  /** The same, for a test that means them to: they are no complaints then. */
  takeFailures(): (string | null)[] {
    return this.#failures.splice(0).map(({ code }) => code);
  }

  /**
   * Starts one more node, which founds nothing and knows these only, like the others otherwise; `once` holds for its
   * first process. Resolves when it listens, or has died.
   */
  async join(peers: readonly string[], once: Pick<NodeSettings, 'diesReceiving'> = {}): Promise<NodeProcess> {
    const [self] = await freeAddresses(1);
    if (self === undefined) throw new Error('There is no free port.');
    const { dataDir, ...settings } = this.#settings.get(this.nodes[0]!.address)!;
    const place = dataDir === undefined ? {} : { dataDir: join(dirname(dataDir), String(this.nodes.length)) };
    this.#settings.set(self, { ...settings, self, peers, bind: self, join: true, ...place });
    const node = new NodeProcess(self, (event) => this.#onEvent(self, event));
    this.nodes.push(node);
    // It may be given everything, and die, before anybody has heard that it listens.
    await node.call('start', { ...this.#settings.get(self)!, ...once }).catch((error: unknown) => {
      if (once.diesReceiving !== true) throw error;
    });
    return node;
  }

  /** Resolves when a node has stopped by itself, being no member any more; its process is ended then. */
  async untilStopped(node: NodeProcess, timeoutMs: number): Promise<void> {
    const stopped = (): Promise<RuntimeStatus> => node.call('status', null);
    await this.#poll(stopped, ({ health }) => health === 'stopped', timeoutMs, `${node.address} has not stopped`);
    await node.stop();
  }

  /**
   * Starts a node again that has ended, as it was started before but for what is said here. Resolves when it listens.
   */
  async revive(address: string, change: Partial<NodeSettings> = {}): Promise<NodeProcess> {
    this.#settings.set(address, { ...this.#settings.get(address)!, ...change });
    const node = new NodeProcess(address, (event) => this.#onEvent(address, event));
    this.nodes[this.nodes.findIndex((each) => each.address === address)] = node;
    await node.call('start', this.#settings.get(address)!);
    return node;
  }

  get living(): NodeProcess[] {
    return this.nodes.filter((node) => node.isAlive && !node.isFrozen);
  }

  node(address: string | null): NodeProcess {
    const node = this.nodes.find((each) => each.address === address);
    if (node === undefined) throw new Error(`There is no node ${address}.`);
    return node;
  }

  /** Resolves with the leader once all nodes that run know the same one, and it is among them. */
  async leader(timeoutMs = ELECTION_TIMEOUT_MS): Promise<NodeProcess> {
    const { living } = this;
    const statuses = await this.#poll(
      () => Promise.all(living.map((node) => node.call('status', null))),
      ([first, ...others]: RuntimeStatus[]) =>
        living.some((node) => node.address === first!.leader) &&
        others.every(({ leader, term }) => leader === first!.leader && term === first!.term),
      timeoutMs,
      'no leader that all know',
    );
    return this.node(statuses[0]!.leader);
  }

  /** Starts a caller on each of the nodes. */
  async startLoad(settings: Omit<LoadSettings, 'caller'>, nodes = this.living): Promise<void> {
    await Promise.all(
      nodes.map((node) => node.call('startLoad', { caller: `${node.address}/${++this.#lives}`, ...settings })),
    );
  }

  /** Ends the callers of the nodes that run, and resolves when each of their calls has settled. */
  async stopLoad(timeoutMs: number, nodes = this.living): Promise<void> {
    await Promise.all(nodes.map((node) => node.call('stopLoad', null, timeoutMs)));
  }

  /** Resolves when all nodes that run know that so many wait for a lock. */
  async untilWaiting(name: string, count: number): Promise<void> {
    const looks = (): Promise<{ waiting: number }[]> => Promise.all(this.living.map((node) => node.call('look', name)));
    const areWaiting = (all: { waiting: number }[]): boolean => all.every(({ waiting }) => waiting === count);
    await this.#poll(looks, areWaiting, AGREE_TIMEOUT_MS, `not so many wait for ${name} as should`);
  }

  /** Resolves when no other node that runs has a connection to this one. */
  async untilUnreached(node: NodeProcess, timeoutMs: number): Promise<void> {
    const others = this.living.filter((each) => each !== node);
    const statuses = (): Promise<RuntimeStatus[]> => Promise.all(others.map((each) => each.call('status', null)));
    const isUnreached = ({ members }: RuntimeStatus): boolean =>
      members.some(({ id, connected }) => id === node.address && !connected);
    await this.#poll(statuses, (all) => all.every(isUnreached), timeoutMs, `${node.address} is reached still`);
  }

  /** Has each of these nodes compete for a lock. */
  async startContest(settings: ContestSettings, nodes: readonly NodeProcess[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.call('startContest', settings)));
  }

  /** Resolves when none of the nodes that run holds the lock any more, or wants it. */
  async stopContest(timeoutMs: number): Promise<void> {
    await Promise.all(this.living.map((node) => node.call('stopContest', null, timeoutMs)));
  }

  /** Resolves when `isSo`, which is waited for in vain for so long at most. */
  async until(isSo: () => boolean, what: string, timeoutMs: number): Promise<void> {
    await this.#poll(async () => isSo(), Boolean, timeoutMs, `it has not come to this: ${what}`);
  }

  /** Resolves when callers have been acknowledged so many more commands, made from now on. */
  async untilAppended(count: number, timeoutMs: number): Promise<void> {
    const nowUs = Number(process.hrtime.bigint() / 1000n);
    await vi.waitUntil(() => this.history.appendsSince(nowUs) >= count, { timeout: timeoutMs, interval: POLL_MS });
  }

  /** Resolves when no node that runs has its log from the first entry on: whoever joins is given a snapshot. */
  async untilShortened(timeoutMs: number): Promise<void> {
    const statuses = (): Promise<RuntimeStatus[]> => Promise.all(this.living.map((node) => node.call('status', null)));
    const isShortened = ({ firstIndex }: RuntimeStatus): boolean => firstIndex > 1;
    await this.#poll(statuses, (all) => all.every(isShortened), timeoutMs, 'a log has its first entry');
  }

  /** Resolves with what all nodes that run hold, once they hold the same. */
  async agreedSummary(): Promise<LedgerSummary> {
    const summaries = await this.#poll(
      () => Promise.all(this.living.map((node) => node.call('summary', null))),
      ([first, ...others]) => others.every(({ count, digest }) => count === first!.count && digest === first!.digest),
      AGREE_TIMEOUT_MS,
      'the states differ',
    );
    return summaries[0]!;
  }

  /**
   * Everything that is wrong: states that differ, commands lost, doubled or out of order, stale answers, nodes that
   * failed. Asked when the load has ended. Empty: nothing is.
   */
  async complaints(): Promise<string[]> {
    const { duplicates, disorders } = await this.agreedSummary();
    const node = this.living[0]!;
    const applied = new Map<string, number[]>();
    for (const caller of this.history.callers) applied.set(caller, await node.call('numbersOf', caller));
    return [
      ...duplicates.map((command) => `${command} was applied twice`),
      ...disorders.map((command) => `${command} was applied out of order`),
      ...this.history.complaints(applied),
      ...this.nodeComplaints(),
    ];
  }

  /** What nodes themselves have complained of. */
  nodeComplaints(): string[] {
    return [
      ...this.#failures.map(({ complaint }) => complaint),
      ...this.nodes.filter(({ stderr }) => stderr !== '').map(({ address, stderr }) => `${address} wrote: ${stderr}`),
    ];
  }

  #onEvent(address: string, event: NodeEvent): void {
    if (event.event === 'calls') this.history.add(event);
    else if (event.event === 'registerUse') this.#useRegister(address, event);
    else if (event.event === 'failure') {
      this.#failures.push({ code: event.code, complaint: `${address} failed: ${event.stack}` });
    }
  }

  #useRegister(address: string, use: RegisterUse): void {
    const node = this.node(address);
    // One that is killed meanwhile needs no answer; one that lives and gets none says so.
    node.call('answerUse', this.#register!.use(address, use)).catch(() => {});
  }

  async #poll<Value>(
    look: () => Promise<Value>,
    isWanted: (value: Value) => boolean,
    timeoutMs: number,
    complaint: string,
  ): Promise<Value> {
    let value: Value | undefined;
    const isSo = async (): Promise<boolean> => isWanted((value = await look()));
    await vi.waitUntil(isSo, { timeout: timeoutMs, interval: POLL_MS }).catch((cause: unknown) => {
      throw new Error(`After ${timeoutMs} ms, ${complaint}: ${JSON.stringify(value, null, 1)}`, { cause });
    });
    return value!;
  }

  #showLogs(): void {
    for (const { address, log, stderr } of this.nodes) {
      process.stderr.write(`--- ${address}\n${log.slice(-LOG_LINES_SHOWN).join('\n')}\n${stderr}\n`);
    }
  }
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
