/**
 * Records what a transport tells its handler and its logger.
 */

import type { Incarnation, NodeId } from '../../../../src/ids.js';
import type { Logger } from '../../../../src/runtime/logger.js';
import type { NodeMessage, TransportHandler } from '../../../../src/net/transport.js';

export class Recorder implements TransportHandler {
  readonly messages: NodeMessage[] = [];
  /** `+peer` for a connection, `-peer` for the end of one. */
  readonly events: string[] = [];
  readonly incarnations: Incarnation[] = [];
  readonly codeVersions: number[] = [];
  /** Connections and messages in one order: `+peer incarnation`, `-peer`, and messages. */
  readonly history: (string | NodeMessage)[] = [];
  readonly reasons: string[] = [];
  /** Called after each message has been recorded. */
  afterMessage: (message: NodeMessage) => void = () => {};

  onMessage(message: NodeMessage): void {
    this.messages.push(message);
    this.history.push(message);
    this.afterMessage(message);
  }

  onConnected(peer: NodeId, incarnation: Incarnation, codeVersionMax: number): void {
    this.codeVersions.push(codeVersionMax);
    this.events.push(`+${peer}`);
    this.incarnations.push(incarnation);
    this.history.push(`+${peer} ${incarnation}`);
  }

  onDisconnected(peer: NodeId, reason: string): void {
    this.events.push(`-${peer}`);
    this.reasons.push(reason);
    this.history.push(`-${peer}`);
  }
}

export class RecordingLogger implements Logger {
  /** Each line as `level message {details}`. */
  readonly lines: string[] = [];

  trace(details: object, message: string): void {
    this.#record('trace', details, message);
  }

  debug(details: object, message: string): void {
    this.#record('debug', details, message);
  }

  info(details: object, message: string): void {
    this.#record('info', details, message);
  }

  warn(details: object, message: string): void {
    this.#record('warn', details, message);
  }

  error(details: object, message: string): void {
    this.#record('error', details, message);
  }

  fatal(details: object, message: string): void {
    this.#record('fatal', details, message);
  }

  /** How many lines contain `text`. */
  count(text: string): number {
    return this.lines.filter((line) => line.includes(text)).length;
  }

  #record(level: string, details: object, message: string): void {
    this.lines.push(`${level} ${message} ${JSON.stringify(details)}`);
  }
}
