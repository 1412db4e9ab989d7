import { describe, expect, it } from 'vitest';
import type { MethodKind } from '../../../src/actors/replicated/method-mark.js';
import type { ResolvedObject } from '../../../src/actors/replicated/object-definition.js';
import { objectsFingerprint, textOrDigest } from '../../../src/node/objects-fingerprint.js';

function object(name: string, methods: Readonly<Record<string, MethodKind>>, module = 'file:///x.js'): ResolvedObject {
  return {
    name,
    module,
    exportName: 'X',
    args: new Uint8Array(0),
    methods: new Map(Object.entries(methods)),
    waits: {},
  };
}

const book = object('book', { sum: 'query', add: 'replicated' });
const hits = object('hits', { inc: 'replicated' });

describe('objectsFingerprint', () => {
  it('names objects, methods and kinds, whatever their order and wherever their module is', () => {
    const elsewhere = object('book', { add: 'replicated', sum: 'query' }, 'file:///y.js');

    expect(objectsFingerprint([hits, book])).toBe('book(add:replicated sum:query) hits(inc:replicated)');
    expect(objectsFingerprint([elsewhere, hits])).toBe(objectsFingerprint([hits, book]));
  });

  it.each([
    ['object', [book]],
    ['name', [book, object('hit', { inc: 'replicated' })]],
    ['method', [book, object('hits', { inc: 'replicated', dec: 'replicated' })]],
    ['kind', [book, object('hits', { inc: 'query' })]],
  ])('differs with a different %s', (_what, objects) => {
    expect(objectsFingerprint(objects)).not.toBe(objectsFingerprint([book, hits]));
  });

  it('of many objects is a digest that differs with each of them', () => {
    const many = Array.from({ length: 100 }, (_, i) => object(`object${i}`, { inc: 'replicated' }));

    expect(objectsFingerprint(many)).toMatch(/^[0-9a-f]{64}$/);
    expect(objectsFingerprint(many.slice(1))).not.toBe(objectsFingerprint(many));
  });
});

describe('textOrDigest', () => {
  it('keeps a text of up to 512 bytes', () => {
    expect(textOrDigest('é'.repeat(256))).toBe('é'.repeat(256));
    expect(textOrDigest('é'.repeat(256) + 'x')).toMatch(/^[0-9a-f]{64}$/);
  });
});
