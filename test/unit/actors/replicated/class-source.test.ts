/** Private fields are found in any class that has them, and in no other. */

import { describe, expect, test } from 'vitest';
import { privateFieldIn } from '../../../../src/actors/replicated/class-source.js';

const WITH_FIELD: Record<string, string> = {
  'with a value': 'class A { #x = 1; }',
  'without a value': 'class A { #x; }',
  'without a semicolon': 'class A { #x }',
  'among fields without semicolons': 'class A {\n  a = 1\n  #x\n  b\n}',
  'after another without semicolons': 'class A { static #s = 1\n #x\n #y }',
  'after a method': 'class A { m() { return this.#x; } #x = 1 }',
  'after a static block': 'class A { static { this.s = {}; } #x = 1 }',
  'after a private method': 'class A { #m() {} #x = 1 }',
  'after a string with a brace': `class A { a = "}"; b = '}'; c = '\\'}'; #x = 1 }`,
  'after a template with braces': 'class A { a = `}${ { b: `}` } }}`; #x = 1 }',
  'after a comment with a brace': 'class A { /* } */ // }\n #x = 1 }',
  'after a regular expression with braces and quotes': 'class A { a = /[}/\'"]}`/g; #x = 1 }',
  'after a regular expression behind a condition': `class A { m(s) { if (s) /'}/.test(s); return /"}/ } #x = 1 }`,
  'after divisions': 'class A { m(a, b) { return (a) / b / this.c; } d = a / 2; #x = 1 }',
  'between divisions, of which the first stands behind an operator':
    'class A{m(i){return i++/2}#x=1;n(a,b){return a/b}}',
  'after a regular expression that is spread': 'class A { m(s) { return [.../}/.exec(s)]; } #x = 1 }',
  'after a method with a pattern for parameters': 'class A { m({ a = {} } = {}) {} #x = 1 }',
  'of a class that extends an expression': 'class A extends mixin({ a: 1 }, class { m() {} }) { #x = 1 }',
  'as an accessor field': 'class A { accessor #x = 1 }',
  'with an odd name': 'class A { #ünïcode = 1; }',
  'with a minified class': 'class A{a=1;#x=2;m(){}}',
  'lowered by esbuild': 'class _A { constructor() { __privateAdd(this, _x, 0); } }',
  'lowered by esbuild, without a value': 'class _A { constructor() { __privateAdd(this, _x); } }',
  'lowered by esbuild, called like what it makes of methods':
    'class _A { constructor() { __privateAdd(this, _x_instances, 0); } }',
  'lowered by TypeScript': 'class A { constructor() { _A_x.set(this, 0); } }',
  'lowered by SWC': 'class A { constructor() { _class_private_field_init(this, _x, { writable: true, value: 0 }); } }',
  'lowered by Babel': 'class A { constructor() { _classPrivateFieldInitSpec(this, _x, 0); } }',
};

const WITHOUT_FIELD: Record<string, string> = {
  'no private name': 'class A { x = 1; m() { return "#x = 1" } }',
  'a private method':
    'class A { #m() { return 1 } get #g() { return 1 } set #g(v) {} async #a() {} *#b() {} m() { this.#m() } }',
  'a static private field': 'class A { static #x = 1; static accessor #y = 2; m() { return A.#x } }',
  'a private name in an initialiser': 'class A { #m() {} a = this.#m; b = this?.#m; c = this\n.#m; }',
  'a check for a private name': 'class A { #m() {} static is = (o) => #m in o; a = [#m in this] }',
  'a private name in a string': 'class A { a = "; #x = 1;"; b = `;${"; #x;"} #x = 1;`; c = 1 }',
  'a private name in a comment': 'class A { /* #x = 1; */ a = 1 // ; #x = 1\n }',
  'a private name in a regular expression': 'class A { a = /;#x = 1;/; b = 1 }',
  'a class within a method': 'class A { m() { return class { #x = 1 } } }',
  'a class that is a value': 'class A { a = class { #x = 1 } }',
  'a class that is extended': 'class A extends (class { #x = 1 }) { a = 1 }',
  'private methods lowered by esbuild': 'class _A { constructor() { __privateAdd(this, _A_instances); } }',
  'private methods lowered by TypeScript': 'class A { constructor() { _A_instances.add(this); } }',
  'a map that has the object as a key': 'class A { constructor() { registry.set(this, 1); } }',
};

describe('a private field is found', () => {
  for (const [name, source] of Object.entries(WITH_FIELD)) {
    test(name, () => {
      expect(privateFieldIn(source)).toMatch(/^(#(x|ünïcode)|_x|_x_instances|_A_x)$/);
    });
  }
});

describe('no private field is found in', () => {
  for (const [name, source] of Object.entries(WITHOUT_FIELD)) {
    test(name, () => {
      expect(privateFieldIn(source)).toBeUndefined();
    });
  }
});

test('a large class is read in no time', () => {
  const method = 'method(a, b) { if (a) { return `text ${a / b} }` } return /}/.test(b) && { c: [a, "b"] }; }\n';
  const source = `class A { ${method.repeat(10_000)} #x = 1 }`;

  const startedAt = performance.now();

  expect(privateFieldIn(source)).toBe('#x');
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});
