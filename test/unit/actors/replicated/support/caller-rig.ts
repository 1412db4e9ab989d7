/** A Caller in virtual time, between a consensus and machines that do nothing but remember what they are told. */

import type { RaftActorMessage } from '../../../../../src/actors/raft/raft-actor-messages.js';
import { Caller, type CallerOptions } from '../../../../../src/actors/replicated/caller.js';
import type { CallerMessage } from '../../../../../src/actors/replicated/caller-messages.js';
import type { MachineMessage } from '../../../../../src/actors/replicated/machine-messages.js';
import type { ObjectPlaces } from '../../../../../src/actors/replicated/object-places.js';
import { ValueCodec } from '../../../../../src/actors/replicated/value-codec.js';
import type { SimulationScheduler } from '../../../../../src/runtime/simulation-scheduler.js';
import { tellOrDrop } from '../../../../../src/runtime/tell-or-drop.js';
import { recordingActor, simulatedSystem } from '../../../runtime/inline-system.js';

export const TIMEOUT_MS = 1_000;

export interface CallerRig {
  readonly caller: Caller;
  readonly simulation: SimulationScheduler;
  readonly toRaft: RaftActorMessage[];
  /** By the numbers of the machines. */
  readonly toMachines: readonly MachineMessage[][];
  /** Consensus has no room for another message until virtual time goes on. */
  fillRaft(): void;
  tell(message: CallerMessage): Promise<void>;
  /** Lets a call leave. It may be rejected before anybody looks. */
  made(outcome: Promise<unknown>): Promise<{ readonly outcome: Promise<unknown> }>;
  stop(): void;
}

export async function callerRig(machines: number, places: ObjectPlaces = new Map()): Promise<CallerRig> {
  const { system, simulation } = simulatedSystem(3);
  const numbers = Array.from({ length: machines }, (_, number) => number);
  const address = (name: string): CallerOptions['raft'] => ({ system: 'simulated', name });
  const toRaft = recordingActor<RaftActorMessage>(system, 'raft');
  const toMachines = numbers.map((number) => recordingActor<MachineMessage>(system, `machine ${number}`));
  const raft = system.ref<{ readonly type: 'filler' }>(address('raft'));
  let caller: Caller | undefined;
  const ref = system.spawn<CallerMessage, void>({
    name: 'caller',
    data: undefined,
    factory: (context) =>
      (caller = new Caller(context, {
        codec: new ValueCodec(),
        raft: address('raft'),
        machines: numbers.map((number) => address(`machine ${number}`)),
        places,
        defaultTimeoutMs: TIMEOUT_MS,
        waitForLeader: true,
        commandBytesMax: 10_000,
        pendingCommandsMax: 100,
        pendingBytesMax: 1_000_000,
      })),
  });
  await simulation.runFor(1);
  return {
    caller: caller!,
    simulation,
    toRaft,
    toMachines,
    fillRaft() {
      while (tellOrDrop(raft, { type: 'filler' }));
    },
    async tell(message) {
      ref.tell(message);
      await simulation.runFor(1);
    },
    async made(outcome) {
      outcome.catch(() => {});
      await simulation.runFor(1);
      return { outcome };
    },
    stop: () => system.stop(),
  };
}
