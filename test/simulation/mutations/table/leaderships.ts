/** Mutations of elections as users hold them: how one leads and comes to an end, and what those hear who observe. */

import type { Edit, Mutation } from '../mutation.js';

const subject = 'elections';

const TAKES_ALL: Edit = {
  file: 'sync/leader-feed.ts',
  text: 'if (this.#isOver || (holder !== null && holder.token < this.#newestToken)) return;',
  replacement: 'if (this.#isOver) return;',
};

const HEARS_OUT_OF_ORDER: Edit = {
  file: 'sync/coordination-backend.ts',
  text: "else if (news.type === 'held') onHolder(holderOf(news.holder));",
  replacement: `else if (news.type === 'held') {
          const { holder } = news;
          this.timekeeper.after((holder?.token ?? 0) % 2 === 0 ? 0 : 40, () => onHolder(holderOf(holder)));
        }`,
};

export const LEADERSHIPS: readonly Mutation[] = [
  {
    name: 'an election has several seats',
    rule: 'one leads, and nobody else does',
    subject,
    edits: [
      {
        file: 'sync/election.ts',
        text: 'of: all, permits: all, isWaiting: true',
        replacement: 'of: all, permits: 1, isWaiting: true',
      },
    ],
  },
  {
    name: 'who is to step down gives up before its work has settled',
    rule: "an election's work is over before another's begins, when it steps down",
    subject,
    edits: [
      {
        file: 'sync/election.ts',
        text: 'const onStop = (): void => ending.abort(signal!.reason);',
        replacement: `const onStop = (): void => {
    ending.abort(signal!.reason);
    void leading.resign();
  };`,
      },
    ],
  },
  {
    name: 'who steps down does not give up',
    rule: 'another one leads within bounded time when a leader steps down',
    subject,
    edits: [{ file: 'sync/election.ts', text: '    await leading.resign();\n', replacement: '' }],
  },
  {
    name: 'a leader works on although it has lost',
    rule: 'loss is told',
    subject,
    edits: [
      {
        file: 'sync/election.ts',
        text: "  leading.signal.addEventListener('abort', onLost, { once: true });\n",
        replacement: '',
      },
      { file: 'sync/election.ts', text: '  if (leading.signal.aborted) onLost();\n', replacement: '' },
    ],
  },
  {
    name: 'who has lost an election does not stand again',
    rule: 'whoever runs campaigns again after a loss',
    subject,
    edits: [
      {
        file: 'sync/election.ts',
        text: 'return (leading.signal.aborted || wasAsked) && signal?.aborted !== true;',
        replacement: 'return wasAsked && signal?.aborted !== true;',
      },
    ],
  },
  {
    name: 'who cannot campaign gives up for good',
    rule: 'whoever runs campaigns for as long as it takes',
    subject,
    edits: [
      {
        file: 'sync/election.ts',
        text: 'if (!(error instanceof ConclaveError) || !PASSES.has(error.code)) throw error;',
        replacement: 'if (!(error instanceof ConclaveError) || PASSES.size > 0) throw error;',
      },
    ],
  },
  {
    name: 'an observer who reads slowly is told what it has missed, the newest first',
    rule: 'an observer never sees an older leader after a newer one',
    subject,
    edits: [
      {
        file: 'sync/leader-feed.ts',
        text: '  #isUnread = false;\n',
        replacement: '  #isUnread = false;\n  readonly #missed: (Leader | null)[] = [];\n',
      },
      {
        file: 'sync/leader-feed.ts',
        text: `      this.#isUnread = false;
      return Promise.resolve({ done: false, value: this.#latest! });`,
        replacement: `      const value = this.#missed.pop()!;
      this.#isUnread = this.#missed.length > 0;
      return Promise.resolve({ done: false, value });`,
      },
      {
        file: 'sync/leader-feed.ts',
        text: 'if (reader === undefined) this.#isUnread = true;',
        replacement: 'if (reader === undefined) this.#isUnread = this.#missed.push(leader) > 0;',
      },
    ],
  },
  {
    name: 'an observer takes whatever it hears for the latest',
    rule: 'an observer never sees an older leader after a newer one',
    subject,
    edits: [TAKES_ALL],
    covered: {
      by: 'an observer takes whatever it hears for the latest, and hears it out of order',
      why: 'what changes in an object is told in its order, and once',
    },
  },
  {
    name: 'an observer takes whatever it hears for the latest, and hears it out of order',
    rule: 'an observer never sees an older leader after a newer one',
    subject,
    edits: [TAKES_ALL, HEARS_OUT_OF_ORDER],
  },
  {
    name: 'observers are not told that nobody leads',
    rule: 'whoever observes is told whenever it changes who leads',
    subject,
    edits: [
      {
        file: 'sync/leader-feed.ts',
        text: 'if (this.#isOver || (holder !== null && holder.token < this.#newestToken)) return;',
        replacement: 'if (this.#isOver || holder === null || holder.token < this.#newestToken) return;',
      },
    ],
  },
  {
    name: 'observers hear of a leader once, whatever it proclaims',
    rule: 'whoever observes is told what the leader proclaims',
    subject,
    edits: [
      {
        file: 'sync/leader-feed.ts',
        text: 'if (this.#latest !== undefined && isSameContent(this.#latest, leader)) return;',
        replacement:
          'if (this.#latest !== undefined && isSameContent(this.#latest?.token ?? null, leader?.token ?? null)) return;',
      },
    ],
  },
];
