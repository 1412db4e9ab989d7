/**
 * One client of `sidecar(url)`, on a connection of its own: its sessions are opened here on its behalf, its commands
 * carried out in the order in which they come, and everything is given up when the connection is lost. On the caller's
 * thread.
 */

import type { Duplex } from 'node:stream';
import { asError, ConclaveError, toPlainError } from '../errors.js';
import type { BackendSession, SyncBackend } from '../sync/backend.js';
import { MessageStream } from '../sync/sidecar/message-stream.js';
import { COMMANDS_MAX, type Answer, type Command, type News } from '../sync/sidecar/messages.js';
import { questionOf } from './remote-question.js';

/** Of one client: it has a session for each TTL. */
const SESSIONS_MAX = 128;
const OBSERVATIONS_MAX = 1_000;

/** A session that is being opened, or is open. */
type Opening = Promise<BackendSession>;

export class RemoteClient {
  readonly #backend: SyncBackend;
  readonly #stream: MessageStream;
  readonly #onEnd: () => void;
  readonly #sessions = new Map<number, Opening>();
  /** Sessions that are being closed because the client has said so. */
  readonly #closing = new Set<Promise<void>>();
  /** By their numbers: what ends them. */
  readonly #observations = new Map<number, () => void>();
  #commands = 0;
  /** Null: it is not over. */
  #closed: Promise<void> | null = null;

  constructor(backend: SyncBackend, socket: Duplex, head: Uint8Array, onEnd: () => void) {
    this.#backend = backend;
    this.#onEnd = onEnd;
    this.#stream = new MessageStream({
      socket,
      head,
      onMessage: (message) => this.#onMessage(message),
      onEnd: () => void this.close(),
    });
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /**
   * Ends its sessions, and the connection, unless that is so already.
   * Resolves when the back end knows, as far as it can be told. Never rejects.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const stop of this.#observations.values()) stop();
    this.#observations.clear();
    // Without it, a client knows that its sessions are over.
    this.#stream.end();
    await Promise.allSettled([...this.#closing, ...sessions.map(async (opening) => (await opening).close())]);
    this.#onEnd();
  }

  /** @throws ConclaveError `ERR_PROTOCOL`, which ends the connection */
  #onMessage(message: unknown): void {
    if (this.#closed !== null) return;
    const { id, command } = questionOf(message);
    if (this.#commands >= COMMANDS_MAX) throw tooMany('commands under way', COMMANDS_MAX);
    this.#commands++;
    void this.#answer(id, command);
  }

  async #answer(id: number, command: Command): Promise<void> {
    let answer: Answer;
    try {
      answer = { type: 'done', id, result: (await this.#carryOut(command)) ?? null };
    } catch (error) {
      answer = { type: 'failed', id, error: plain(error) };
    }
    this.#commands--;
    try {
      this.#tell(answer);
    } catch {
      // Longer than a message may be, with an error that quotes what was sent. It would be waited for.
      this.#stream.end();
    }
  }

  #carryOut(command: Command): Promise<unknown> {
    switch (command.type) {
      case 'openSession':
        return this.#open(command.session, command.ttlMs);
      case 'renew':
        return this.#in(command.session, (session) => session.renew(), false);
      case 'claim':
        return this.#in(command.session, (session) => session.claim(command.request, command.terms), 'ended');
      case 'giveUp':
        return this.#in(command.session, (session) => session.giveUp(command.request), null);
      case 'proclaim':
        return this.#in(command.session, (session) => session.proclaim(command.request, command.value), false);
      case 'closeSession':
        return this.#closeSession(command.session);
      case 'observe':
        return this.#observe(command.observation, command.name);
      case 'unobserve':
        this.#unobserve(command.observation);
        return Promise.resolve(null);
    }
  }

  async #open(session: number, ttlMs: number): Promise<void> {
    if (this.#sessions.has(session)) throw protocolError('the number of a session is in use');
    if (this.#sessions.size >= SESSIONS_MAX) throw tooMany('sessions', SESSIONS_MAX);
    const opening = this.#backend.openSession(ttlMs, {
      granted: (request, token) => this.#tell({ type: 'granted', session, request, token }),
      lost: (request) => this.#tell({ type: 'lost', session, request }),
      asked: (request) => this.#tell({ type: 'asked', session, request }),
      ended: () => {
        this.#sessions.delete(session);
        this.#tell({ type: 'ended', session });
      },
    });
    this.#sessions.set(session, opening);
    try {
      await opening;
    } catch (error) {
      this.#sessions.delete(session);
      throw error;
    }
  }

  /** `ended`: what is answered where there is no such session any more. */
  async #in<Result>(
    session: number,
    run: (session: BackendSession) => Promise<Result>,
    ended: Result,
  ): Promise<Result> {
    const opening = this.#sessions.get(session);
    return opening === undefined ? ended : run(await opening);
  }

  async #closeSession(session: number): Promise<void> {
    const opening = this.#sessions.get(session);
    this.#sessions.delete(session);
    if (opening === undefined) return;
    const closing = opening.then((opened) => opened.close());
    this.#closing.add(closing);
    await closing.finally(() => this.#closing.delete(closing));
  }

  async #observe(observation: number, name: string): Promise<void> {
    if (this.#observations.has(observation)) throw protocolError('the number of an observation is in use');
    if (this.#observations.size >= OBSERVATIONS_MAX) throw tooMany('observations', OBSERVATIONS_MAX);
    const onEnd = (error: unknown): void => {
      this.#observations.delete(observation);
      this.#tell({ type: 'unobserved', observation, error: plain(error) });
    };
    const stop = this.#backend.observe(
      name,
      (holder) => {
        try {
          this.#tell({ type: 'holder', observation, holder });
        } catch (error) {
          // A holder may say more than can be passed on.
          stop();
          onEnd(error);
        }
      },
      onEnd,
    );
    this.#observations.set(observation, stop);
  }

  #unobserve(observation: number): void {
    this.#observations.get(observation)?.();
    this.#observations.delete(observation);
  }

  #tell(message: Answer | News): void {
    this.#stream.send(message);
  }
}

/** Without what may quote this machine's files. */
function plain(error: unknown): ReturnType<typeof toPlainError> {
  const { stack: _, ...rest } = toPlainError(asError(error));
  return rest;
}

function protocolError(complaint: string): ConclaveError {
  return new ConclaveError('ERR_PROTOCOL', `This is no command of a client: ${complaint}.`);
}

function tooMany(what: string, max: number): ConclaveError {
  return new ConclaveError('ERR_QUEUE_FULL', `A client has up to ${max} ${what}.`, { data: { limit: what, max } });
}
