import { describe, expect, it } from 'vitest';
import type { ResolvedObject } from '../../../src/actors/replicated/object-definition.js';
import { ValueCodec } from '../../../src/actors/replicated/value-codec.js';
import { describeConflict } from '../../../src/net/code-history.js';
import { objectsFingerprint } from '../../../src/node/objects-fingerprint.js';

interface More {
  readonly since?: number;
  readonly args?: readonly unknown[];
  readonly queries?: readonly string[];
}

/** `commands` by name: the versions from which on they have an implementation. */
function object(
  name: string,
  commands: Readonly<Record<string, readonly number[]>>,
  { since = 0, args = [], queries = [] }: More = {},
): ResolvedObject {
  const implementations = Object.entries(commands).map(
    ([command, versions]) =>
      [command, versions.map((version) => ({ version, method: `${command}${version}` }))] as const,
  );
  const methods = [
    ...Object.keys(commands).map((command) => [command, 'replicated'] as const),
    ...queries.map((query) => [query, 'query'] as const),
  ];
  const encoded = new ValueCodec().encodeInto(args).slice();
  const [module, exportName] = ['file:///x.js', 'X'];
  return {
    name,
    module,
    exportName,
    args: encoded,
    methods: new Map(methods),
    commands: new Map(implementations),
    waits: {},
    since,
  };
}

const book = object('book', { add: [0] });
const hits = object('hits', { inc: [0], dec: [0] });

function conflict(ours: readonly ResolvedObject[], theirs: readonly ResolvedObject[]): string | null {
  const verdict = describeConflict(objectsFingerprint(ours), 'here', objectsFingerprint(theirs), 'there');
  const mirrored = describeConflict(objectsFingerprint(theirs), 'there', objectsFingerprint(ours), 'here');
  expect(mirrored === null).toBe(verdict === null);
  return verdict;
}

describe('objectsFingerprint', () => {
  it('names objects and commands by version, whatever their order', () => {
    const history = objectsFingerprint([object('hits', { inc: [0, 2] }), book]);

    expect(history.map(({ version, news }) => [version, news])).toEqual([
      [0, 'book book.add hits hits.inc'],
      [2, 'hits.inc'],
    ]);
    expect(objectsFingerprint([book, object('hits', { inc: [0, 2] })])).toEqual(history);
  });

  it('of many objects is a digest that differs with each of them', () => {
    const many = Array.from({ length: 100 }, (_, i) => object(`object${i}`, { inc: [0] }));

    expect(objectsFingerprint(many)[0]!.news).toMatch(/^[0-9a-f]{32}$/);
    expect(conflict(many, many.slice(1))).not.toBeNull();
  });

  it.each<[what: string, theirs: readonly ResolvedObject[]]>([
    ['the same objects', [hits, book]],
    ['a query more', [hits, object('book', { add: [0] }, { queries: ['sum'] })]],
    ['a later version of a command', [hits, object('book', { add: [0, 1] })]],
    ['a command more, of a later version', [hits, object('book', { add: [0], remove: [1] })]],
    ['an object more, of a later version', [hits, book, object('jobs', { put: [1] }, { since: 1 })]],
  ])('goes together with %s', (_what, theirs) => {
    expect(conflict([book, hits], theirs)).toBeNull();
  });

  it.each<[what: string, theirs: readonly ResolvedObject[], named: string]>([
    ['an object less', [book], 'hits hits.dec hits.inc'],
    ['a command more', [hits, object('book', { add: [0], remove: [0] })], 'book.remove'],
    ['another name', [hits, object('books', { add: [0] })], 'books.add'],
    ['other arguments', [hits, object('book', { add: [0] }, { args: [{ pages: 3 }] })], 'book#'],
  ])('of the same version does not go together with %s', (_what, theirs, named) => {
    const verdict = conflict([book, hits], theirs);

    expect(verdict).toContain('version 0');
    expect(verdict).toContain(named);
  });

  it('tells apart objects whose names have spaces', () => {
    expect(conflict([object('a b', {})], [object('a', {}), object('b', {})])).not.toBeNull();
  });

  it('tells apart what two nodes call the same version', () => {
    const ours = [object('book', { add: [0, 1] })];
    const theirs = [object('book', { add: [0], remove: [1] })];

    expect(conflict(ours, theirs)).toBe(
      'The objects and commands of version 1 must be the same on all nodes: "book.add" at here, "book.remove" at there.',
    );
  });

  it('goes together with code of up to seven versions before, and says who is further behind', () => {
    const upTo = (version: number): ResolvedObject[] => {
      return [object('book', { add: Array.from({ length: version + 1 }, (_, each) => each) })];
    };

    expect(conflict(upTo(10), upTo(3))).toBeNull();
    expect(conflict(upTo(10), upTo(2))).toBe(
      'The code of there ends with version 2, and here knows what its last 8 versions brought only.',
    );
  });
});
