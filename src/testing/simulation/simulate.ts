/**
 * Puts a user's own objects through everything that a simulation can do to a cluster: the public face of simulations
 * for tests of programs that use Conclave.
 */

import { resolveDefinition, type ObjectDefinitions } from '../../actors/replicated/object-definition.js';
import { ValueCodec } from '../../actors/replicated/value-codec.js';
import { ConclaveError } from '../../errors.js';
import { checkFunction, checkInteger, checkKnown } from '../../node/option-checks.js';
import type { Random } from '../../runtime/random.js';
import { ClusterRun, type ClusterRunReport } from './cluster-run.js';
import { drawShape } from './cluster-shape.js';
import { Dice } from './dice.js';
import { drawFaults, onlyFaults, type FaultMix } from './faults/fault-mix.js';
import { KnownClasses } from './known-classes.js';
import { UserClients, type SimulationClients } from './user-clients.js';

/** What is simulated. */
export interface SimulateOptions<Definitions extends ObjectDefinitions> {
  /** The objects, as for `Runtime.start`. Their classes are used as they are: no module is loaded. */
  readonly objects: Definitions;
  /** One seed, one history. 0 to 2^32 - 1. */
  readonly seed: number;
  /** How many nodes, 1 to 7. Default: 3. */
  readonly nodes?: number;
  /** What goes wrong, and how often. Default: what the seed says, and members stay the same; `{}`: nothing. */
  readonly faults?: Partial<FaultMix>;
  /**
   * How long things go wrong at most, in milliseconds of virtual time; they end earlier when `clients` does. Default:
   * 2,000.
   */
  readonly durationMs?: number;
  /** Takes the history, line by line. */
  readonly trace?: (line: string) => void;
  /**
   * Uses the objects. Runs in virtual time: it must wait for calls and for `sleep`, and for nothing else; and calls may
   * end as they do in production, with `ERR_TIMEOUT`, `ERR_NO_LEADER`, `ERR_STOPPED` and the like. What it throws fails
   * the simulation.
   */
  clients(simulation: SimulationClients<Definitions>): Promise<void>;
  /**
   * Called when nothing goes wrong any more, all calls have ended and all nodes have the same: the place to look at
   * what they have.
   */
  afterwards?(simulation: SimulationClients<Definitions>): Promise<void>;
}

const KNOWN: readonly string[] = [
  'objects',
  'seed',
  'nodes',
  'faults',
  'durationMs',
  'trace',
  'clients',
  'afterwards',
] satisfies (keyof SimulateOptions<ObjectDefinitions>)[];
const NODES_MAX = 7;
const SEED_MAX = 2 ** 32 - 1;
const DURATION_MS_MAX = 600_000;

/**
 * Runs one history of a cluster that holds these objects, in virtual time, in this process, on simulated disks and a
 * simulated network: nodes crash, lose power, are cut off from each other, stand still, are given snapshots, lose their
 * disks. Everything that Conclave promises is checked on the way, and so is what it takes for granted: that the objects
 * of all nodes hold the same after the same commands. Commands that look at a clock, at chance, or at anything that is
 * not part of the object's state are found by that.
 *
 * The same seed gives the same history, as long as `clients` draws its own chance from `random`. Everything runs on the
 * caller's thread; a second of virtual time takes a small part of a real one.
 *
 * @throws ConclaveError `ERR_SIMULATION_FAILED` when a promise is broken, or `clients` or `afterwards` throws
 *   (`cause`): `data` has the seed, the promise and the virtual time. `ERR_INVALID_OPTION`, `ERR_INVALID_OBJECT`.
 *
 * @example
 * await simulate({
 *   objects: { hits: ReplCounter },
 *   seed: 42,
 *   async clients({ nodes, random, sleep }) {
 *     for (let i = 0; i < 50; i++) {
 *       const node = nodes[random.uint32() % nodes.length]!;
 *       await node.objects.hits.inc().catch(() => {}); // it may be down just now
 *       await sleep(5);
 *     }
 *   },
 * });
 */
export async function simulate<Definitions extends ObjectDefinitions>(
  options: SimulateOptions<Definitions>,
): Promise<ClusterRunReport> {
  checkKnown(options, KNOWN);
  const { objects, seed, nodes = 3, faults, durationMs = 2_000, trace } = options;
  checkInteger('seed', seed, 0, SEED_MAX);
  checkInteger('nodes', nodes, 1, NODES_MAX);
  checkInteger('durationMs', durationMs, 1, DURATION_MS_MAX);
  for (const name of ['clients', 'afterwards', 'trace'] as const) {
    if (name === 'clients' || options[name] !== undefined) checkFunction(name, options[name]);
  }
  const dice = new Dice(seed);
  const shape = { ...drawShape(dice, nodes), observers: 0, isVerified: true };
  const drawn = drawFaults(dice);
  const random: Random = dice.fork();
  await checkObjects(objects);
  const report = await new ClusterRun<Definitions>({
    dice,
    objects,
    shape,
    faults: faults === undefined ? drawn : onlyFaults(faults),
    durationMs,
    lookEvery: 1,
    placements: null,
    write: trace ?? null,
    users: (context) => new UserClients(context, random, options),
  }).run();
  if (report.violation === null) return report;
  const { promise, what, atMs, cause } = report.violation;
  const text = `Seed ${seed}, at ${atMs.toFixed(2)} ms of virtual time: ${what} (${promise}).`;
  throw new ConclaveError('ERR_SIMULATION_FAILED', text, {
    data: { seed, promise, atMs },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** No node could be started with objects that are not fit. */
async function checkObjects(objects: ObjectDefinitions): Promise<void> {
  const classes = new KnownClasses([objects]);
  for (const [name, definition] of Object.entries(objects)) {
    await resolveDefinition(name, definition, new ValueCodec(), classes);
  }
}
