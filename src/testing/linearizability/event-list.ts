/**
 * The calls that have to be put in order, as a doubly linked list of their invocations and returns, in which a call can
 * be lifted out and put back in constant time (Wing and Gong, Lowe). What stands before the first return may come next.
 */

import type { HistoryCall } from './history.js';

/** The invocation or the return of a call. */
export interface CallEvent<Input, Output> {
  readonly call: HistoryCall<Input, Output>;
  readonly isReturn: boolean;
  readonly time: number;
  /** The call's place in the order of invocations, from 0. */
  readonly index: number;
  /** The event's place in the whole list, from 0. */
  position: number;
  previous: CallEvent<Input, Output>;
  next: CallEvent<Input, Output>;
  /** The return that belongs to an invocation, and the other way round. */
  match: CallEvent<Input, Output>;
}

/** What a list of events is still to put in order. */
export class EventList<Input, Output> {
  /** Before the first event and behind the last one; counts as a return, for nothing behind it may come next. */
  readonly #end: CallEvent<Input, Output>;

  constructor(calls: readonly HistoryCall<Input, Output>[]) {
    this.#end = endOf<Input, Output>(calls.length);
    const events: CallEvent<Input, Output>[] = [];
    for (const [index, call] of calls.toSorted((a, b) => a.invokedAt - b.invokedAt).entries()) {
      const shared = { call, index, position: 0, previous: this.#end, next: this.#end, match: this.#end };
      const invocation = { ...shared, isReturn: false, time: call.invokedAt };
      const itsReturn = { ...shared, isReturn: true, time: call.returnedAt, match: invocation };
      invocation.match = itsReturn;
      events.push(invocation, itsReturn);
    }
    // At the same time, invocations come before returns: such calls are concurrent.
    events.sort((a, b) => a.time - b.time || Number(a.isReturn) - Number(b.isReturn));
    for (const [position, event] of events.entries()) {
      event.position = position;
      event.previous = this.#end.previous;
      relink(event);
    }
  }

  get isEmpty(): boolean {
    return this.#end.next === this.#end;
  }

  /** The first invocation that is left, or, if there is none, the end. */
  get first(): CallEvent<Input, Output> {
    return this.#end.next;
  }

  /** The first return that is left: its call has to take effect before anything that is invoked later. */
  get firstReturn(): CallEvent<Input, Output> {
    let event = this.first;
    while (!event.isReturn) event = event.next;
    return event;
  }

  /** Takes a call out, given its invocation. */
  lift(invocation: CallEvent<Input, Output>): void {
    unlink(invocation);
    unlink(invocation.match);
  }

  /** Puts a call back. What was lifted last has to be put back first. */
  unlift(invocation: CallEvent<Input, Output>): void {
    relink(invocation.match);
    relink(invocation);
  }
}

function endOf<Input, Output>(index: number): CallEvent<Input, Output> {
  const call: HistoryCall<Input, Output> = {
    client: '',
    input: undefined as Input,
    invokedAt: Infinity,
    returnedAt: Infinity,
    outcome: { kind: 'unknown' },
  };
  const end = { call, isReturn: true, time: Infinity, index, position: Infinity } as CallEvent<Input, Output>;
  end.previous = end.next = end.match = end;
  return end;
}

function unlink(event: CallEvent<unknown, unknown>): void {
  event.previous.next = event.next;
  event.next.previous = event.previous;
}

/** Puts an event back between the two that it remembers as its neighbours. */
function relink(event: CallEvent<unknown, unknown>): void {
  event.previous.next = event;
  event.next.previous = event;
}
