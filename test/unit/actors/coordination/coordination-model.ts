/** What a Coordination grants, said as plainly as possible: one list of claims in the order in which they came. */

import { expect } from 'vitest';
import type { ClaimTerms } from '../../../../src/actors/coordination/coordination.js';

interface ModelClaim extends ClaimTerms {
  readonly session: number;
  /** 0: it waits. */
  token: number;
}

export class CoordinationModel {
  #sessions = new Map<number, number>();
  #opened = 0;
  #claims: ModelClaim[] = [];
  #lastToken = 0;

  /** The same was told to a Coordination, and this came of it. */
  tell(method: string, args: readonly unknown[], outcome: unknown): void {
    const [session, second] = args as [number, unknown];
    const isOpen = this.#sessions.has(session);
    switch (method) {
      case 'openSession':
        expect(outcome).toBe(++this.#opened);
        this.#sessions.set(this.#opened, 0);
        return;
      case 'renew':
        expect(outcome).toBe(isOpen);
        if (isOpen) this.#sessions.set(session, this.#sessions.get(session)! + 1);
        return;
      case 'closeSession':
        expect(outcome).toBe(isOpen);
        this.#drop((claim) => claim.session === session);
        this.#sessions.delete(session);
        return;
      case 'expire':
        expect(outcome).toBe(this.#sessions.get(session) === second);
        if (outcome !== true) return;
        this.#drop((claim) => claim.session === session);
        this.#sessions.delete(session);
        return;
      case 'giveUp':
        expect(outcome).toBe(this.#find(session, second as number) !== undefined);
        this.#drop((claim) => claim.session === session && claim.request === second);
        return;
      case 'proclaim':
        expect(outcome).toBe((this.#find(session, second as number)?.token ?? 0) > 0);
        return;
      case 'claim':
        this.#claim(session, second as ClaimTerms, outcome);
        return;
      default:
        throw new Error(method);
    }
  }

  /** Session, permits and token of each, in the order of their tokens. */
  holders(name: string): string[] {
    const held = this.#claims.filter((claim) => claim.name === name && claim.token > 0);
    expect(held.reduce((sum, { permits }) => sum + permits, 0)).toBeLessThanOrEqual(held[0]?.of ?? 0);
    return held
      .toSorted((a, b) => a.token - b.token)
      .map(({ session, permits, token }) => `${session} ${permits} ${token}`);
  }

  #claim(session: number, terms: ClaimTerms, outcome: unknown): void {
    if (!this.#sessions.has(session)) return expect(outcome).toBe('no session');
    if (this.#find(session, terms.request) !== undefined) return expect(outcome).toBe('threw');
    const [before, lastToken] = [this.#claims.map((each) => ({ ...each })), this.#lastToken];
    const claim: ModelClaim = { ...terms, session, token: 0 };
    const at = this.#claims.findIndex(({ name, owner }) => {
      return name === terms.name && owner !== undefined && owner === terms.owner;
    });
    const had = this.#claims[at];
    const isTakenOver = had !== undefined && had.token > 0 && terms.permits <= had.permits;
    if (at >= 0) this.#claims.splice(at, 1);
    this.#claims.splice(isTakenOver ? at : this.#claims.length, 0, claim);
    this.#grant(terms.name);
    if (claim.token > 0) return expect(outcome).toBe(claim.token);
    expect(outcome).toBe(terms.isWaiting ? 'waiting' : 'busy');
    if (!terms.isWaiting) [this.#claims, this.#lastToken] = [before, lastToken];
  }

  #drop(isDropped: (claim: ModelClaim) => boolean): void {
    const dropped = this.#claims.filter(isDropped).toSorted((a, b) => a.request - b.request);
    this.#claims = this.#claims.filter((claim) => !isDropped(claim));
    for (const name of new Set(dropped.map((claim) => claim.name))) this.#grant(name);
  }

  #grant(name: string): void {
    for (const claim of this.#claims.filter((each) => each.name === name)) {
      if (claim.token > 0) continue;
      const held = this.#claims.filter((each) => each.name === name && each.token > 0);
      if (held.reduce((sum, { permits }) => sum + permits, 0) + claim.permits > claim.of) return;
      claim.token = ++this.#lastToken;
    }
  }

  #find(session: number, request: number): ModelClaim | undefined {
    return this.#claims.find((claim) => claim.session === session && claim.request === request);
  }
}
