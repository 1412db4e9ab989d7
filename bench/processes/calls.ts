/**
 * Calls from a parent process to its children over Node's own IPC channel: the messages, and the child's end of them.
 * Runs in both. Says nothing of what is called: benchmarks and examples bring their own operations.
 */

/** What a child can be asked to do: each operation takes one argument and answers with JSON. */
export type Operations = {
  readonly [name: string]: (argument: never) => unknown;
};

export interface CallMessage {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

export type AnswerMessage =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly code: string | null; readonly stack: string };

/** How long a child may take to end itself after its parent has let go of it. */
export const EXIT_TIMEOUT_MS = 5_000;

/**
 * Answers the parent's calls until the parent lets go or dies; then runs `end`, after which nothing should be left that
 * keeps the process alive. A process that lives on all the same ends itself with exit code 1.
 */
export function serveParent(operations: Operations, end: () => Promise<void>): void {
  if (process.send === undefined) throw new Error('This program is started by another one, not by hand.');
  const answer = (message: AnswerMessage): void => {
    // The parent may be gone between the question and the answer; that is dealt with where it disconnects.
    if (process.connected) process.send?.(message, undefined, {}, () => undefined);
  };

  process.on('message', (message: CallMessage) => {
    const { id, name, argument } = message;
    const operation = operations[name] as ((argument: unknown) => unknown) | undefined;
    Promise.resolve(argument)
      .then((given) => {
        if (operation === undefined) throw new Error(`There is no operation ${name}.`);
        return operation(given);
      })
      .then(
        (value) => answer({ id, ok: true, value }),
        (error: unknown) => answer({ id, ok: false, ...describe(error) }),
      );
  });

  // Ctrl-C reaches every process of the terminal: the parent decides, by letting go.
  process.on('SIGINT', () => undefined);
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), EXIT_TIMEOUT_MS).unref();
    end().then(
      () => process.removeAllListeners('SIGINT'),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}

function describe(error: unknown): { code: string | null; stack: string } {
  if (!(error instanceof Error)) return { code: null, stack: String(error) };
  const { code } = error as { code?: unknown };
  return { code: typeof code === 'string' ? code : null, stack: error.stack ?? error.message };
}
