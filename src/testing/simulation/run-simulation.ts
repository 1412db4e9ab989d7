/**
 * Simulates Conclave itself: its own objects, used by clients of its own, all of whose calls are judged. One seed is
 * one history, whatever there was before in the same process.
 */

import { checkInteger, checkKnown, invalid } from '../../node/option-checks.js';
import { ClusterRun, type ClusterRunReport } from './cluster-run.js';
import { calm, drawShape } from './cluster-shape.js';
import { Dice } from './dice.js';
import { drawApart, drawFaults, drawOdd, drawRare, onlyFaults, type FaultMix } from './faults/fault-mix.js';
import { buildsFor, classesFor, objectsFor, placementsFor } from './objects/subject-objects.js';
import { drawSubjects, SUBJECTS, type Subject } from './subjects.js';
import { clocksApart, drawDrills } from './workload/drills.js';
import { usersFor } from './workload/subject-users.js';

/** What of a history is not to be drawn from its seed. */
export interface SimulationOptions {
  /** How many nodes vote, 1 to 7. */
  readonly nodes?: number;
  /** These faults and no others. */
  readonly faults?: Partial<FaultMix>;
  /** How long things go wrong, in milliseconds of virtual time. */
  readonly durationMs?: number;
  /**
   * As in production: its timeouts, minutes of virtual time, and seconds in which nothing goes wrong. Default: false,
   * which is crowded: as much as possible happens in a second or two.
   */
  readonly isCalm?: boolean;
  /** What the history is about besides consensus and plain objects. */
  readonly subjects?: readonly Subject[];
  /** Takes the history, line by line. */
  readonly trace?: (line: string) => void;
}

export interface SimulationReport extends ClusterRunReport {
  readonly seed: number;
}

const KNOWN: readonly string[] = [
  'nodes',
  'faults',
  'durationMs',
  'isCalm',
  'subjects',
  'trace',
] satisfies (keyof SimulationOptions)[];
const NODES_MAX = 7;
const SEED_MAX = 2 ** 32 - 1;
const DURATIONS_MS = [400, 800, 1_500] as const;
const CALM_DURATIONS_MS = [60_000, 120_000, 240_000] as const;
const DURATION_MS_MAX = 600_000;
const LOOK_EVERY = 32;
/** These make dice of their own of a seed: what others draw does not depend on them. */
const PLACEMENTS_SALT = 8_743;
const BUILDS_SALT = 0x5eed;
const DRILLS_SALT = 3_471;
const RARE_SALT = 200;

/**
 * Runs one seed. What goes wrong is in the report.
 *
 * @throws ConclaveError `ERR_INVALID_OPTION`
 *
 * @example
 * const report = await runSimulation(42, { trace: (line) => console.log(line) });
 * if (report.violation !== null) throw new Error(report.violation.what);
 */
export async function runSimulation(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  checkInteger('seed', seed, 0, SEED_MAX);
  checkKnown(options, KNOWN);
  const { nodes, faults, durationMs, isCalm = false, trace } = options;
  const subjects = options.subjects === undefined ? drawSubjects(seed) : checkSubjects(options.subjects);
  if (nodes !== undefined) checkInteger('nodes', nodes, 1, NODES_MAX);
  if (durationMs !== undefined) checkInteger('durationMs', durationMs, 1, DURATION_MS_MAX);
  const dice = new Dice(seed);
  const drawnShape = drawShape(dice, nodes);
  const drawn = { ...drawFaults(dice), ...drawApart(new Dice(~seed >>> 0)) };
  const rare = drawRare(new Dice((seed ^ RARE_SALT) >>> 0)) ?? drawOdd(seed);
  const drawnMs = dice.oneOf<number>(isCalm ? CALM_DURATIONS_MS : DURATIONS_MS);
  // Where code is replaced: nothing else is drawn by these.
  const builds = buildsFor(subjects, new Dice((seed ^ BUILDS_SALT) >>> 0));
  const drills = drawDrills(subjects, new Dice((seed ^ DRILLS_SALT) >>> 0));
  const report = await new ClusterRun({
    dice,
    objects: objectsFor(subjects),
    classes: classesFor(subjects),
    ...(builds === null ? {} : { builds }),
    shape: isCalm ? calm(drawnShape) : drawnShape,
    faults: faults === undefined ? (rare ?? drawn) : onlyFaults(faults),
    durationMs: durationMs ?? drawnMs,
    lookEvery: LOOK_EVERY,
    placements: placementsFor(subjects, new Dice((seed ^ PLACEMENTS_SALT) >>> 0)),
    write: trace ?? null,
    ...(drills.areClocksApart ? { clock: clocksApart(drills.dice.fork()) } : {}),
    users: (context) => usersFor(subjects, context, drills),
  }).run();
  return { seed, ...report };
}

/** A history that is about a misspelt one would keep every promise of it. */
function checkSubjects(subjects: readonly Subject[]): ReadonlySet<Subject> {
  if (Array.isArray(subjects) && subjects.every((subject) => SUBJECTS.includes(subject))) return new Set(subjects);
  throw invalid('subjects', subjects, `must be an array of ${SUBJECTS.join(', ')}`);
}
