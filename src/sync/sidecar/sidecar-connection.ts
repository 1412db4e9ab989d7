/**
 * One connection to a sidecar: asks, and passes on what it is told. Once it is over it stays so, and whatever waited
 * for an answer is told that nobody knows. On the caller's thread.
 */

import { request as ask } from 'node:http';
import { asError, ConclaveError, fromPlainError } from '../../errors.js';
import type { Socket } from 'node:net';
import type { Timer } from '../../runtime/actor.js';
import type { Timekeeper } from '../../runtime/timekeeper.js';
import { MessageStream } from './message-stream.js';
import {
  COMMANDS_MAX,
  SESSIONS_AUTHORITY,
  type Answer,
  type Command,
  type News,
  type Question,
  type Results,
} from './messages.js';

/** To connect takes no longer. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Longer than a sidecar takes to answer, whatever it stands on: one that does not for so long is not there. */
const ANSWER_TIMEOUT_MS = 30_000;
/** The status by which a sidecar that stops says so: another one may come, as where there is none. */
const STOPPING = 503;
/** Commands whose answers are on their way, well below what a sidecar takes: the rest waits its turn here. */
const ASKED_MAX = COMMANDS_MAX / 2;
/** The operating system asks so often whether the other side is there, where nothing is said. */
const KEEPALIVE_MS = 10_000;

export interface ConnectionListener {
  news(news: News): void;
  /** It is over. Called once, before those are told who wait for answers. */
  ended(): void;
}

interface Asking {
  readonly command: Command;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Waiting extends Asking {
  readonly timer: Timer;
}

export class SidecarConnection {
  readonly #socket: Socket;
  readonly #stream: MessageStream;
  /** By the ids of their questions. */
  readonly #waiting = new Map<number, Waiting>();
  /** Those whose turn has not come, in the order in which they asked. */
  readonly #queued = new Set<Asking>();
  readonly #url: string;
  readonly #timekeeper: Timekeeper;
  #nextId = 1;
  #isOver = false;
  /** Claims and the like, for which the process has to live on. */
  #reasons = 0;

  private constructor(url: string, socket: Socket, head: Buffer, timekeeper: Timekeeper, listener: ConnectionListener) {
    this.#url = url;
    this.#timekeeper = timekeeper;
    this.#socket = socket;
    socket.setNoDelay(true).setKeepAlive(true, KEEPALIVE_MS).unref();
    this.#stream = new MessageStream({
      socket,
      head,
      onMessage: (message) => {
        const said = message as Answer | News;
        if (said.type === 'done' || said.type === 'failed') this.#settle(said);
        else listener.news(said);
      },
      onEnd: (cause) => {
        this.#isOver = true;
        listener.ended();
        const [waiting, queued] = [[...this.#waiting.values()], [...this.#queued]];
        this.#waiting.clear();
        this.#queued.clear();
        for (const { timer, reject } of waiting) {
          timer.cancel();
          reject(unreachable(this.#url, cause, true));
        }
        for (const { reject } of queued) reject(unreachable(this.#url, cause, false));
      },
    });
  }

  /**
   * @throws ConclaveError `ERR_UNREACHABLE`; `ERR_PROTOCOL` when whoever answers is no sidecar, or one of another
   * version.
   */
  static connect(url: string, timekeeper: Timekeeper, listener: ConnectionListener): Promise<SidecarConnection> {
    return new Promise((resolve, reject) => {
      const request = ask(url, {
        method: 'CONNECT',
        path: SESSIONS_AUTHORITY,
        signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS),
        agent: false,
      });
      request.once('connect', ({ statusCode = 0 }, socket, head) => {
        if (statusCode === 200) return resolve(new SidecarConnection(url, socket, head, timekeeper, listener));
        socket.destroy();
        reject(statusCode === STOPPING ? unreachable(url, new Error('it stops'), false) : stranger(url, statusCode));
      });
      request.once('response', (response) => {
        response.destroy();
        reject(stranger(url, response.statusCode!));
      });
      request.once('error', (cause) => reject(unreachable(url, cause, false)));
      request.end();
    });
  }

  /**
   * @throws ConclaveError `ERR_UNREACHABLE` when the connection is lost before the answer, or given up because there is
   *   none in time; whatever the sidecar answers.
   */
  async ask<C extends Command>(command: C): Promise<Results[C['type']]> {
    if (this.#isOver) throw unreachable(this.#url, null, false);
    const release = this.holdProcess();
    try {
      return await new Promise<Results[C['type']]>((resolve, reject) => {
        this.#queued.add({ command, resolve: resolve as (result: unknown) => void, reject });
        this.#askNext();
      });
    } finally {
      release();
    }
  }

  #askNext(): void {
    for (const asking of this.#queued) {
      if (this.#waiting.size >= ASKED_MAX) return;
      this.#queued.delete(asking);
      const id = this.#nextId++;
      const { command } = asking;
      try {
        this.#stream.send({ id, command } satisfies Question);
      } catch (error) {
        asking.reject(error);
        continue;
      }
      const timer = this.#timekeeper.after(ANSWER_TIMEOUT_MS, () => this.#onSilence(id, command));
      this.#waiting.set(id, { ...asking, timer });
    }
  }

  /** Something is waited for: the process lives on until what is returned is called. */
  holdProcess(): () => void {
    if (this.#reasons++ === 0) this.#socket.ref();
    let isHeld = true;
    return () => {
      if (isHeld && --this.#reasons === 0) this.#socket.unref();
      isHeld = false;
    };
  }

  close(): void {
    this.#stream.end();
  }

  #onSilence(id: number, { type }: Command): void {
    const cause = new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`);
    // To give everything back, a sidecar may try for as long as the session lasts: what others hold is not to end by
    // that.
    if (type !== 'closeSession') return void this.#socket.destroy(cause);
    this.#waiting.get(id)?.reject(unreachable(this.#url, cause, true));
    this.#waiting.delete(id);
    this.#askNext();
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    waiting?.timer.cancel();
    if (answer.type === 'done') waiting?.resolve(answer.result);
    else waiting?.reject(fromPlainError(answer.error));
    this.#askNext();
  }
}

function unreachable(url: string, cause: unknown, mayBeApplied: boolean): ConclaveError {
  const why = cause === null ? 'the connection is lost' : asError(cause).message;
  return new ConclaveError('ERR_UNREACHABLE', `The sidecar at ${url} does not answer: ${why}.`, {
    data: { url },
    cause,
    mayBeApplied,
    retrySafe: !mayBeApplied,
  });
}

function stranger(url: string, status: number): ConclaveError {
  return new ConclaveError(
    'ERR_PROTOCOL',
    `Whoever answers at ${url} is no sidecar that knows ${SESSIONS_AUTHORITY}: the answer was ${status}.`,
    { data: { url, status } },
  );
}
