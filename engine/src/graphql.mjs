// @ts-check
// Reads GraphQL as far as prisma-client-py writes it: one operation with one query, and values that
// are text, numbers, names, lists and objects; no fragments, variables, directives, block strings or
// comments. Pure.
//
// A query of ours is mostly text, a megabyte of it where LiteLLM writes down what was spent. So text
// is looked for by its end and read as JSON, which its escapes are; a parser of all of GraphQL looks
// at each character.

/** The document is not of that kind. Says nothing of what it holds, which may be anybody's data. */
export class Malformed extends Error {}

const IGNORED = /[\s,\uFEFF]*/y;
const NAME = /[A-Za-z_]\w*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?(?![\w.])/y;
const OPERATIONS = new Set(['query', 'mutation']);
const BACKSLASH = 92;

/** A whole number as JavaScript's, if it can hold it. */
function whole(digits) {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : { $type: 'BigInt', value: digits };
}

class Reader {
  #text;
  #at = 0;

  constructor(text) {
    this.#text = text;
  }

  /** `{ name, arguments, selections }` of the one query; a field without selections has none. */
  document() {
    if (!OPERATIONS.has(this.#name())) throw new Malformed('it has to begin with what it does');
    const queries = this.#selections();
    this.#skip();
    if (queries?.length !== 1 || this.#at !== this.#text.length) throw new Malformed('it has to hold one query');
    return queries[0];
  }

  #selections() {
    if (!this.#take('{')) return undefined;
    const fields = [];
    do fields.push(this.#field());
    while (!this.#take('}'));
    return fields;
  }

  #field() {
    const first = this.#name();
    const name = this.#take(':') ? this.#name() : first;
    return { name, arguments: this.#take('(') ? this.#named(')') : {}, selections: this.#selections() };
  }

  /** Names with values, up to what closes them. */
  #named(end) {
    const entries = [];
    while (!this.#take(end)) {
      const name = this.#name();
      if (!this.#take(':')) throw new Malformed('a name has no value');
      entries.push([name, this.#value()]);
    }
    // Not by assignment: `__proto__` is a name.
    return Object.fromEntries(entries);
  }

  #value() {
    this.#skip();
    switch (this.#text[this.#at]) {
      case '"':
        return this.#string();
      case '{':
        this.#at++;
        return this.#named('}');
      case '[':
        this.#at++;
        return this.#list();
      default:
        return this.#number() ?? this.#word();
    }
  }

  #list() {
    const values = [];
    while (!this.#take(']')) values.push(this.#value());
    return values;
  }

  #string() {
    const start = this.#at;
    if (this.#text.startsWith('"""', start)) throw new Malformed('text may not be a block');
    let end = start;
    do end = this.#text.indexOf('"', end + 1);
    while (end > 0 && this.#isEscaped(end));
    if (end < 0) throw new Malformed('text does not end');
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1));
    } catch {
      throw new Malformed('text is not as JSON writes it');
    }
  }

  /** Whether an odd number of backslashes is before it. */
  #isEscaped(index) {
    let before = index;
    while (this.#text.charCodeAt(before - 1) === BACKSLASH) before--;
    return (index - before) % 2 === 1;
  }

  /** With a tag where JSON would lose something. */
  #number() {
    const [digits, fraction, exponent] = this.#match(NUMBER) ?? [];
    if (digits === undefined) return undefined;
    return fraction ?? exponent ? Number(digits) : whole(digits);
  }

  #word() {
    const word = this.#name();
    if (word === 'true' || word === 'false') return word === 'true';
    return word === 'null' ? null : { $type: 'Enum', value: word };
  }

  #name() {
    this.#skip();
    const [name] = this.#match(NAME) ?? [];
    if (name === undefined) throw new Malformed('a name is missing');
    return name;
  }

  #take(character) {
    this.#skip();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skip() {
    this.#match(IGNORED);
  }

  #match(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }
}

/** The query of a document; its values are JSON's, with a tag for a name and for a large number. */
export function read(document) {
  return new Reader(document).document();
}
