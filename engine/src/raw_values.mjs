// @ts-check
// A raw query's values: what Prisma's engine calls each type of PostgreSQL, and a value's text form
// as the JSON that the native engine of the same release answers with. Pure.
//
// Values do not pass through JavaScript's numbers or objects: what PostgreSQL wrote is copied.

import { address, base64, byteCharacter, date, elements, float, money, numeric, time, timestamp, Unreadable } from './postgres_text.mjs';

const quoted = JSON.stringify;
const asIs = (text) => text;
const written = (read) => (text) => `"${read(text)}"`;

// [oid, oid of its array, Prisma's name, its JSON]. 0: there is no array that Prisma would read.
const TYPES = [
  [16, 1000, 'bool', (text) => (text === 't' ? 'true' : 'false')],
  [17, 1001, 'bytes', written(base64)],
  [18, 0, 'char', (text) => quoted(byteCharacter(text))],
  [19, 1003, 'string', quoted],
  [20, 1016, 'bigint', written(asIs)],
  [21, 1005, 'int', asIs],
  [23, 1007, 'int', asIs],
  [25, 1009, 'string', quoted],
  [26, 1028, 'bigint', written(asIs)],
  [114, 199, 'json', asIs],
  [142, 143, 'xml', quoted],
  [650, 651, 'string', written(address)],
  [700, 1021, 'float', float],
  [701, 1022, 'double', float],
  [705, 0, 'string', quoted],
  [790, 791, 'decimal', written(money)],
  [869, 1041, 'string', written(address)],
  [1042, 1014, 'string', quoted],
  [1043, 1015, 'string', quoted],
  [1082, 1182, 'date', written(date)],
  [1083, 1183, 'time', written(time)],
  [1114, 1115, 'datetime', written(timestamp)],
  [1184, 1185, 'datetime', written(timestamp)],
  [1266, 1270, 'time', written(time)],
  [1560, 1561, 'string', written(asIs)],
  [1562, 1563, 'string', written(asIs)],
  [1700, 1231, 'decimal', written(numeric)],
  [2950, 2951, 'uuid', written(asIs)],
  [3802, 3807, 'json', asIs],
];

const KNOWN = new Map();
for (const [oid, arrayOid, type, json] of TYPES) {
  KNOWN.set(oid, { type, json });
  if (arrayOid) KNOWN.set(arrayOid, arrayOf(type, json));
}

function arrayOf(type, json) {
  // xml[] is read as text.
  const name = type === 'enum' || type === 'xml' ? 'string' : type;
  return { type: `${name}-array`, array: true, json: (text) => `[${elements(text, json).map(String).join(',')}]` };
}

/** Extensions' types that are text to the native engine. */
const TEXTUAL = new Set(['citext', 'ltree', 'lquery', 'ltxtquery']);

/** What `pg_type` says of a type that is not in the table: how to read it, or why it cannot be. */
export function describe({ typtype, typname, nspname, element }) {
  if (typtype === 'e') return { type: 'enum', json: quoted };
  if (TEXTUAL.has(typname)) return { type: 'string', json: quoted };
  if (element?.typtype === 'e') return arrayOf('enum', quoted);
  if (element && TEXTUAL.has(element.typname)) return arrayOf('string', quoted);
  const name = ['public', 'pg_catalog'].includes(nspname) ? typname : `${nspname}.${typname}`;
  return { unsupported: name };
}

/** The types that have to be looked up in `pg_type`. */
export const unknownTypes = (oids, catalogue) => oids.filter((oid) => !KNOWN.has(oid) && !catalogue.has(oid));

/** Writes the rows of one raw query. */
export class RawRows {
  #readers;
  #names;
  #filled;

  /** `fields` are PostgreSQL's columns, `catalogue` what was looked up of their types. */
  constructor(fields, catalogue) {
    this.#names = fields.map(({ name }) => name);
    this.#readers = fields.map(({ dataTypeID }) => KNOWN.get(dataTypeID) ?? catalogue.get(dataTypeID));
    this.#filled = this.#readers.map(({ array }) => !array);
  }

  /** Before the first row. */
  get head() {
    return `{"columns":${JSON.stringify(this.#names)},"rows":[`;
  }

  row(values) {
    const written = values.map((text, column) => {
      const reader = this.#readers[column];
      if (reader.unsupported) throw new Unreadable(unsupported(reader.unsupported));
      if (text === null) return 'null';
      try {
        const json = reader.json(text);
        if (json !== '[]') this.#filled[column] = true;
        return json;
      } catch (error) {
        if (error instanceof Unreadable) throw new Unreadable(`error deserializing column ${column}: ${error.message}`);
        throw error;
      }
    });
    return `[${written.join(',')}]`;
  }

  /** After the last row. Prisma knows what an array holds by its first element. */
  tail(rows) {
    const types = rows === 0 ? [] : this.#readers.map(({ type }, column) => (this.#filled[column] ? type : 'unknown-array'));
    return `],"types":${JSON.stringify(types)}}`;
  }
}

const unsupported = (type) =>
  `Failed to deserialize column of type '${type}'. If you're using $queryRaw and this column is explicitly marked as \`Unsupported\` in your Prisma schema, try casting this column to any supported Prisma type such as \`String\`.`;
