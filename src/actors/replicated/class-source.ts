/**
 * Looks into the source text of a class for `#private` instance fields: the only state of an object that nothing
 * outside of the class can read, and which a snapshot would therefore miss. Not a parser: it blanks out what is not
 * code (strings, comments, templates, regular expressions), and then needs brackets and names only.
 */

/** What compilers make of `#name = value` where they do without it: esbuild, TypeScript, SWC, Babel. */
const LOWERED_FIELDS = [
  // esbuild also adds a set of the instances that may call #private methods, which is no state.
  /\b__privateAdd\(\s*this\s*,\s*((?![\w$]*_instances\s*\))[\w$]+)/,
  /\b(_[A-Z][\w$]*_[\w$]+)\.set\(\s*this\s*,/,
  /\b_class_private_field_init\(\s*this\s*,\s*([\w$]+)\s*,/,
  /\b_classPrivateFieldInitSpec\(\s*this\s*,\s*([\w$]+)\s*,/,
];

/** The name of the first `#private` instance field that a class declares, given its source text. */
export function privateFieldIn(source: string): string | undefined {
  const code = codeOf(source);
  for (const lowered of LOWERED_FIELDS) {
    const name = lowered.exec(code)?.[1];
    if (name !== undefined) return name;
  }
  return nativeFieldIn(code);
}

/** Finds a field among the elements of the class body, which are what stands directly within its braces. */
function nativeFieldIn(code: string): string | undefined {
  let depth = 0;
  let bodyDepth: number | undefined;
  for (let i = 0; i < code.length; i++) {
    const char = code[i]!;
    if ('([{'.includes(char)) {
      // What a class extends may hold braces of its own, but only within parentheses.
      if (char === '{' && depth === 0) bodyDepth ??= 1;
      depth++;
    } else if (')]}'.includes(char)) {
      depth--;
      if (depth === 0 && bodyDepth !== undefined) return undefined;
    } else if (char === '#' && depth === bodyDepth) {
      const name = /^#[\w$\u0080-\uffff]*/.exec(code.slice(i, i + NEIGHBOURHOOD))![0];
      const end = i + name.length;
      if (isField(code.slice(Math.max(0, i - NEIGHBOURHOOD), i), code.slice(end, end + NEIGHBOURHOOD))) return name;
      i += name.length - 1;
    }
  }
  return undefined;
}

/** How far to look around a name: far enough for any keyword. Runs of blanks are one blank already. */
const NEIGHBOURHOOD = 128;

/** Is a private name that stands in a class body, between these two, the declaration of an instance field? */
function isField(before: string, after: string): boolean {
  if (/\.\s*$/.test(before)) return false;
  if (/(?:^|[^\w$])(?:static|static\s+accessor)\s*$/.test(before)) return false;
  return !/^\s*(?:\(|in\b)/.test(after);
}

/** The source with everything blanked out that is not code. */
function codeOf(source: string): string {
  const scanner = new Scanner(source);
  scanner.scan(false);
  return scanner.code;
}

/** Keywords after which a slash starts a regular expression. */
const BEFORE_EXPRESSION =
  /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|else|do|instanceof|yield|await)$/;
/** Statements whose closing parenthesis is followed by a statement, not by an operator. */
const BEFORE_PARENTHESES = /(?:^|[^\w$.])(?:if|while|for|with)$/;

class Scanner {
  code = '';
  /** The end of `code`, long enough for any keyword. */
  #tail = '';
  readonly #source: string;
  #offset = 0;
  /** For each open parenthesis: does a statement follow when it closes? */
  readonly #parentheses: boolean[] = [];
  /** Did the last closing parenthesis belong to an `if (…)` or the like? */
  #afterCondition = false;

  constructor(source: string) {
    this.#source = source;
  }

  /** Scans to the end, or, within a template, to the brace that closes the current substitution. */
  scan(inTemplate: boolean): void {
    const source = this.#source;
    let braces = 0;
    while (this.#offset < source.length) {
      const char = source[this.#offset]!;
      if (char === '/') {
        this.#scanSlash();
      } else if (char === '"' || char === "'") {
        this.#skipString(char);
      } else if (char === '`') {
        this.#skipTemplate();
      } else {
        if (char === '{') braces++;
        if (char === '}' && --braces < 0 && inTemplate) return;
        this.#scanCode(char);
      }
    }
  }

  #scanCode(char: string): void {
    if (char === '(') this.#parentheses.push(BEFORE_PARENTHESES.test(this.#tail.trimEnd()));
    if (char === ')') this.#afterCondition = this.#parentheses.pop() ?? false;
    this.#offset++;
    this.#emit(/\s/.test(char) ? ' ' : char);
  }

  #emit(code: string): void {
    if (code === ' ' && this.#tail.endsWith(' ')) return;
    this.code += code;
    this.#tail = (this.#tail + code).slice(-TAIL_CHARS);
  }

  #scanSlash(): void {
    const next = this.#source[this.#offset + 1];
    if (next === '/') this.#skip(/\/\/.*/y, ' ');
    else if (next === '*') this.#skip(/\/\*[^]*?\*\//y, ' ');
    else if (!this.#isExpressionExpected() || !this.#skip(REGULAR_EXPRESSION, '""')) this.#scanCode('/');
  }

  /** Skips what the sticky pattern matches here, and leaves something in its place. */
  #skip(pattern: RegExp, replacement: string): boolean {
    pattern.lastIndex = this.#offset;
    if (!pattern.test(this.#source)) return false;
    this.#offset = pattern.lastIndex;
    this.#emit(replacement);
    return true;
  }

  #skipString(quote: string): void {
    const source = this.#source;
    let end = this.#offset + 1;
    while (end < source.length && source[end] !== quote) end += source[end] === '\\' ? 2 : 1;
    this.#offset = end + 1;
    this.#emit('""');
  }

  #skipTemplate(): void {
    const source = this.#source;
    const before = this.code;
    this.#offset++;
    while (this.#offset < source.length && source[this.#offset] !== '`') {
      if (source.startsWith('${', this.#offset)) {
        this.#offset += 2;
        this.#emit('(');
        this.scan(true);
        this.#offset++;
      } else {
        this.#offset += source[this.#offset] === '\\' ? 2 : 1;
      }
    }
    this.#offset++;
    this.code = before;
    this.#emit('""');
  }

  /** Does an expression start here? Then a slash starts a regular expression, and is no division. */
  #isExpressionExpected(): boolean {
    const last = this.#tail.trimEnd();
    if (last.endsWith(')')) return this.#afterCondition;
    // Nothing that could be counted up starts with a slash: what was, stands before it.
    if (/\+\+$|--$/.test(last)) return false;
    return last === '' || last.endsWith('...') || /[(,=:[!&|?{};+\-*%~^<>]$/.test(last) || BEFORE_EXPRESSION.test(last);
  }
}

const TAIL_CHARS = 16;
const REGULAR_EXPRESSION = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
