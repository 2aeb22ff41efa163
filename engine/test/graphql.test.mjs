// @ts-check
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parse } from 'graphql';

import { Malformed, read } from '../src/graphql.mjs';

const ROUNDS = 2000;

/** What a parser of all of GraphQL finds, as `read` gives it. */
function reference(document) {
  const { definitions } = parse(document, { noLocation: true });
  const [operation] = /** @type {import('graphql').OperationDefinitionNode[]} */ (/** @type {unknown} */ (definitions));
  return field(/** @type {any} */ (operation.selectionSet.selections[0]));
}

function field({ name, arguments: given, selectionSet }) {
  return { name: name.value, arguments: named(given), selections: selectionSet?.selections.map(field) };
}

const named = (nodes) => Object.fromEntries(nodes.map(({ name, value }) => [name.value, literal(value)]));

function literal(node) {
  switch (node.kind) {
    case 'IntValue':
      return Number.isSafeInteger(Number(node.value)) ? Number(node.value) : { $type: 'BigInt', value: node.value };
    case 'FloatValue':
      return Number(node.value);
    case 'EnumValue':
      return { $type: 'Enum', value: node.value };
    case 'NullValue':
      return null;
    case 'ListValue':
      return node.values.map(literal);
    case 'ObjectValue':
      return named(node.fields);
    default:
      return node.value;
  }
}

/** A source of numbers below a bound, the same for the same seed (xorshift). */
function dice(seed) {
  let state = seed;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

const PIECES = ['a', '"', '\\', '\\"', '\n', '\t', '\u2028', 'ä', '😀', '{', '}', ']', ':', ',', '#', '\u0000', '\u007f', ' '];
const SCALARS = ['0', '-0', '7', '-12', '9007199254740993', '1.5', '-2e10', '1e+16', '6E-7', 'true', 'false', 'null', 'desc', '__proto__', 'NaN'];
const SPACES = [' ', '\n  ', ', ', ',\n', '\t', '\uFEFF'];

/** Documents as the client writes them, and with less order. */
class Writer {
  constructor(seed) {
    this.roll = dice(seed);
  }

  one(of) {
    return of[this.roll(of.length)];
  }

  several(most, make) {
    return Array.from({ length: this.roll(most + 1) }, make);
  }

  name() {
    return this.one(['id', 'data', 'where', 'AND', '_count', '__proto__', 'constructor', 'query', 'x1']);
  }

  text() {
    return JSON.stringify(this.several(12, () => this.one(PIECES)).join(''));
  }

  value(depth) {
    const kind = this.roll(depth > 0 ? 4 : 2);
    if (kind === 0) return this.text();
    if (kind === 1) return this.one(SCALARS);
    if (kind === 2) return `[${this.several(3, () => this.value(depth - 1)).join(this.one(SPACES))}]`;
    return `{${this.named(depth - 1)}}`;
  }

  named(depth) {
    return this.several(4, () => `${this.name()}${this.one([': ', ':', ' :\n'])}${this.value(depth)}`).join(this.one(SPACES));
  }

  arguments(depth) {
    const given = this.named(depth);
    return given ? `${this.one(['', ' ', '\n'])}(${given})` : '';
  }

  field(depth) {
    const selections = depth > 0 ? this.several(3, () => this.field(depth - 1)) : [];
    const selected = selections.length ? ` {${selections.join(this.one(SPACES))}}` : '';
    return `${this.one(['', 'result: '])}${this.name()}${this.arguments(depth)}${selected}`;
  }

  document() {
    return `${this.one(['query', 'mutation'])}${this.one(SPACES)}{ ${this.field(3)} }${this.one(['', '\n'])}`;
  }
}

describe('a document', () => {
  it('is read as a parser of all of GraphQL reads it', () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const document = new Writer(seed).document();
      assert.deepEqual(read(document), reference(document), document);
    }
  });

  it('that is cut or changed anywhere is read alike or refused', () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const writer = new Writer(seed);
      const document = writer.document();
      const at = writer.roll(document.length);
      const other = document.slice(0, at) + writer.one(['', '"', '\\', '}', ')', '1', ' x ']) + document.slice(at + writer.roll(3));
      sameOrRefused(other);
    }
  });

  for (const text of ['', '{', 'query', 'query { }', 'query { a b }', 'query { a } query { b }', 'query X { a }', 'query { ...f }',
    'query { a(b: $c) }', 'query { a @b }', 'query { a(b: """c""") }', 'query { a(b: "c) }', 'query { a(b: "\\") }', 'query { a(b: 01) }',
    'query { a(b: 1x) }', 'query { a(b: "\\x") }', 'query { a(b) }', 'query { a(b: ) }', 'query { a(b: [1 }', 'subscription { a }']) {
    it(`is refused: ${text}`, () => assert.throws(() => read(text), Malformed));
  }

  it('may be long, and full of what has to be escaped', () => {
    const text = '"\\'.repeat(200_000);
    assert.equal(read(`mutation { a(b: ${JSON.stringify(text)}) }`).arguments.b, text);
  });
});

/** What is refused by the one may be read by the other, where neither can hurt. */
function sameOrRefused(document) {
  let found;
  try {
    found = read(document);
  } catch (error) {
    assert.ok(error instanceof Malformed, `${error}: ${document}`);
    return;
  }
  let expected;
  try {
    expected = reference(document);
  } catch {
    return;
  }
  assert.deepEqual(found, expected, document);
}
