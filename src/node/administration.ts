/**
 * Carries out what administrators ask of a node, by calling its runtime as any user would: so what they are told is
 * what a user is told. On the thread that started the node.
 */

import { asError } from '../errors.js';
import type { AdminRequest } from '../net/admin/admin-request.js';
import type { ActorAddress } from '../runtime/actor.js';
import type { ActorSystem } from '../runtime/actor-system.js';
import type { Runtime } from './runtime.js';

/** What it takes of a runtime. */
export type AdministeredRuntime = Pick<
  Runtime,
  'status' | 'members' | 'transferLeadership' | 'compact' | 'setCodeVersion'
>;

/** So many requests may be under way: more than there are administrators, who may give up and ask again. */
const REQUESTS_MAX = 64;

/** Starts the actor that carries requests out. */
export function spawnAdministration(main: ActorSystem, { name }: ActorAddress, runtime: AdministeredRuntime): void {
  main.spawn<AdminRequest, void>({
    name,
    data: undefined,
    mailboxMax: REQUESTS_MAX,
    factory: () => ({
      receive: (request, reply) => {
        carryOut(request, runtime).then(
          (result) => reply.ok(result),
          (error: unknown) => reply.fail(asError(error)),
        );
      },
    }),
  });
}

/** Answers with plain data: the status, the index of a compaction, otherwise nothing. */
async function carryOut(request: AdminRequest, runtime: AdministeredRuntime): Promise<unknown> {
  const { timeoutMs } = request;
  switch (request.command) {
    case 'status':
      return runtime.status();
    case 'add':
      return runtime.members.add(request.argument, { timeoutMs });
    case 'remove':
      return runtime.members.remove(request.argument, { timeoutMs });
    case 'transfer':
      return runtime.transferLeadership(request.argument ?? undefined);
    case 'compact':
      return { index: await runtime.compact() };
    case 'setVersion':
      return runtime.setCodeVersion(request.argument, { timeoutMs });
  }
}
