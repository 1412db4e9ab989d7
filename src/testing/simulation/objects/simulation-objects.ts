/** The objects that simulations of Conclave itself call: few, and much contended for. */

import { ReplCounter } from '../../../actors/replicated/objects/counter.js';
import { ReplMap } from '../../../actors/replicated/objects/map.js';
import { SimulationJournal } from './simulation-journal.js';
import { SimulationLock } from './simulation-lock.js';
import { SimulationRegister } from './simulation-register.js';

export const SIMULATION_OBJECTS = {
  counter: ReplCounter,
  journal: SimulationJournal,
  lock: SimulationLock,
  map: ReplMap<string, number>,
  register: SimulationRegister,
} as const;

export type SimulationObjects = typeof SIMULATION_OBJECTS;
