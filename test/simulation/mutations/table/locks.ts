/** Mutations of locks: sessions and when they end, whose turn it is, tokens, and what holders may believe. */

import type { Mutation } from '../mutation.js';

const subject = 'locks';

export const LOCKS: readonly Mutation[] = [
  {
    name: 'a session is ended although it was renewed meanwhile',
    rule: 'whether a session has expired is decided where `expire` stands in the log',
    subject,
    edits: [
      {
        file: 'actors/coordination/coordination.ts',
        text: 'if (found === undefined || found.renewals !== renewals) return false;',
        replacement: 'if (found === undefined) return false;',
      },
    ],
  },
  {
    name: 'tokens begin anew after a snapshot',
    rule: 'a token is greater than every one that was granted before',
    subject,
    edits: [
      {
        file: 'actors/coordination/coordination.ts',
        text: 'else ({ nextSession: this.#nextSession, nextToken: this.#nextToken } = head = part as Head);',
        replacement: 'else ({ nextSession: this.#nextSession } = head = part as Head);',
      },
    ],
  },
  {
    name: 'renewals are counted anew after a snapshot',
    rule: 'a session is ended only if it has not been renewed since its keeper saw it',
    subject,
    edits: [
      {
        file: 'actors/coordination/coordination.ts',
        text: 'for (const [id, owner, ttlMs, renewals] of part.sessions) {',
        replacement: 'for (const [id, owner, ttlMs] of part.sessions) {\n        const renewals = 0;',
      },
    ],
  },
  {
    name: 'a claim that waits is granted although its session has ended',
    rule: 'whoever has gone holds nothing',
    subject,
    edits: [
      {
        file: 'actors/coordination/coordination.ts',
        text: `      const removed = this.#lines.get(name)!.remove(claimKey(session.id, request))!;
      names.set(`,
        replacement: `      const line = this.#lines.get(name)!;
      const claim = line.get(claimKey(session.id, request))!;
      const removed = claim.token === 0 ? claim : line.remove(claimKey(session.id, request))!;
      names.set(`,
      },
    ],
  },
  {
    name: 'what a session has held is not free when it ends',
    rule: 'whoever has gone holds nothing',
    subject,
    edits: [
      {
        file: 'actors/coordination/line.ts',
        text: 'if (held !== undefined) this.#free += held.permits;',
        replacement: '',
      },
    ],
  },
  {
    name: 'whoever is content with less overtakes those who wait',
    rule: 'first come, first served',
    subject,
    edits: [
      {
        file: 'actors/coordination/line.ts',
        text: 'return this.#waiting.size === 0 && permits <= this.#free;',
        replacement: 'return permits <= this.#free;',
      },
    ],
  },
  {
    name: 'the last one who came is served first',
    rule: 'first come, first served',
    subject,
    edits: [
      {
        file: 'actors/coordination/line.ts',
        text: 'const first: Claim | undefined = this.#waiting.values().next().value;',
        replacement: 'const first: Claim | undefined = [...this.#waiting.values()].at(-1);',
      },
    ],
  },
  {
    name: 'those who wait are forgotten in a snapshot',
    rule: 'first come, first served, whatever node it is',
    subject,
    edits: [
      {
        file: 'actors/coordination/coordination.ts',
        text: 'const claims = [...holders, ...waiting].map(',
        replacement: 'const claims = [...holders].map(',
      },
    ],
  },
  {
    name: 'holders go by the calendar',
    rule: 'for how long a holder may believe that it holds is told by a clock that nobody sets',
    subject,
    edits: [
      {
        file: 'sync/lease.ts',
        text: 'return Math.max(this.#clock.nowMs() - nowMs, this.#clock.wallMs() - wallMs);',
        replacement: 'return this.#clock.wallMs() - wallMs + 0 * nowMs;',
      },
    ],
  },
  {
    name: 'holders go by the clock that stands still in a suspended machine',
    rule: 'while the machine of a holder is suspended its lock expires, and only its calendar goes on',
    subject,
    edits: [
      {
        file: 'sync/lease.ts',
        text: 'return Math.max(this.#clock.nowMs() - nowMs, this.#clock.wallMs() - wallMs);',
        replacement: 'return this.#clock.nowMs() - nowMs + 0 * wallMs;',
      },
    ],
  },
  {
    name: 'a holder believes that it holds until it is told otherwise',
    rule: 'whether it is held is computed from the clock, whenever it is asked for',
    subject,
    edits: [
      {
        file: 'sync/session.ts',
        text: `    const remainingMs = this.#lease.remainingMs;
    if (remainingMs > 0) return remainingMs;
    this.#loseAll(tooLate());
    return 0;`,
        replacement: '    return Math.max(1, this.#lease.remainingMs);',
      },
    ],
  },
  {
    name: 'a keeper that leads again goes on with what it saw in its former term',
    rule: 'whoever becomes the leader counts anew: nobody could be renewed while there was none',
    subject,
    edits: [
      {
        file: 'actors/coordination/session-keeper.ts',
        text: '    this.#watch.reset();\n',
        replacement: '',
      },
    ],
  },
  {
    name: 'a keeper ends sessions after half their time',
    rule: 'a session lasts for its TTL after a renewal',
    subject,
    edits: [
      {
        file: 'actors/coordination/expiry-watch.ts',
        text: 'if (nowMs - current.sinceMs >= ttlMs) overdue.push(sighting);',
        replacement: 'if (nowMs - current.sinceMs >= ttlMs / 2) overdue.push(sighting);',
      },
    ],
  },
  {
    name: 'nobody ends the sessions of those that have gone',
    rule: 'a lock is free again within bounded time after its holder has died',
    subject,
    edits: [
      {
        file: 'actors/coordination/session-keeper.ts',
        text: 'await Promise.all(overdue.map(([session, renewals]) => expire(session, renewals)));',
        replacement: 'void [overdue, expire];',
      },
    ],
  },
  {
    name: 'what is protected takes older tokens as well',
    rule: 'a register that asks for tokens takes nothing from who is late',
    subject,
    edits: [
      {
        file: 'sync/fenced-resource.ts',
        text: '    if (token < this.#newest) {',
        replacement: '    if (token + 1_000n < this.#newest) {',
      },
    ],
  },
  {
    name: 'a holder counts from the answer to its renewal',
    rule: 'a session lasts from when its renewal was asked for, which is before anybody can have seen it',
    subject,
    edits: [
      {
        file: 'sync/session.ts',
        text: 'if (isRenewed === true) this.#lease.extend(since);',
        replacement: 'if (isRenewed === true) this.#lease.extend(Lease.now(this.#backend.timekeeper.clock));',
      },
    ],
  },
  {
    name: 'holders do not allow for clocks that run apart',
    rule: 'the holder gives up first, by its own clock: before its TTL is over',
    subject,
    edits: [{ file: 'sync/lease.ts', text: 'const MARGIN = 0.1;', replacement: 'const MARGIN = 0;' }],
  },
  {
    name: 'a keeper that could not look once looks no more',
    rule: 'a lock is free again within bounded time after its holder has died',
    subject,
    edits: [
      {
        file: 'actors/coordination/session-keeper.ts',
        text: '    } catch {\n',
        replacement: '    } catch {\n      return;\n',
      },
    ],
  },
];
