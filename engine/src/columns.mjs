// @ts-check
// What PostgreSQL sends, as the engine's core wants it where it has to see the rows (what need not pass
// through it is raw_values.mjs and record_values.mjs): for each type the core's column type and how to
// read its text form. PostgreSQL names types by number (pg_type.oid).
//
// A type that is not listed is text. The engine asks for columns of its own schema only, so such
// a column comes from a raw query, and a word is a better answer there than a failure.

import { address, coreTimestamp, date, elements, money, time } from './postgres_text.mjs';

/** The engine's column types (driver adapters' ColumnType); an array's is its element's plus 64. */
const Kind = {
  Int32: 0,
  Int64: 1,
  Float: 2,
  Double: 3,
  Numeric: 4,
  Boolean: 5,
  Text: 7,
  Date: 8,
  Time: 9,
  DateTime: 10,
  Json: 11,
  Bytes: 13,
  Uuid: 15,
};
const ARRAY_OFFSET = 64;

const asIs = (text) => text;
// JSON has no NaN: as text the core refuses it, as the native engine does, and takes it for no null.
const float = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);
const bytes = (text) => Array.from(Buffer.from(text.slice(2), 'hex'));

// [name, oid, oid of its array, column type, how to read it]. Sessions are in UTC with ISO dates
// and hexadecimal bytes (see pool.mjs).
const TYPES = [
  ['bool', 16, 1000, Kind.Boolean, (text) => text === 't'],
  ['bytea', 17, 1001, Kind.Bytes, bytes],
  ['name', 19, 1003, Kind.Text, asIs],
  ['int8', 20, 1016, Kind.Int64, asIs],
  ['int2', 21, 1005, Kind.Int32, Number],
  ['int4', 23, 1007, Kind.Int32, Number],
  ['text', 25, 1009, Kind.Text, asIs],
  ['oid', 26, 1028, Kind.Int64, asIs],
  ['json', 114, 199, Kind.Json, asIs],
  ['xml', 142, 143, Kind.Text, asIs],
  ['cidr', 650, 651, Kind.Text, address],
  ['float4', 700, 1021, Kind.Float, float],
  ['float8', 701, 1022, Kind.Double, float],
  ['money', 790, 791, Kind.Numeric, money],
  ['inet', 869, 1041, Kind.Text, address],
  ['bpchar', 1042, 1014, Kind.Text, asIs],
  ['varchar', 1043, 1015, Kind.Text, asIs],
  ['date', 1082, 1182, Kind.Date, date],
  ['time', 1083, 1183, Kind.Time, time],
  ['timestamp', 1114, 1115, Kind.DateTime, coreTimestamp],
  ['timestamptz', 1184, 1185, Kind.DateTime, coreTimestamp],
  ['timetz', 1266, 1270, Kind.Time, time],
  ['bit', 1560, 1561, Kind.Text, asIs],
  ['varbit', 1562, 1563, Kind.Text, asIs],
  ['numeric', 1700, 1231, Kind.Numeric, asIs],
  ['uuid', 2950, 2951, Kind.Uuid, asIs],
  ['jsonb', 3802, 3807, Kind.Json, asIs],
];

const TEXT = { kind: Kind.Text, read: asIs };
const COLUMNS = new Map();
for (const [, oid, arrayOid, kind, read] of TYPES) {
  COLUMNS.set(oid, { kind, read });
  COLUMNS.set(arrayOid, {
    kind: /** @type {number} */ (kind) + ARRAY_OFFSET,
    read: (text) => elements(text, read),
  });
}

const column = (oid) => COLUMNS.get(oid) ?? TEXT;

export const columnType = (oid) => column(oid).kind;
export const read = (oid, text) => column(oid).read(text);

/** In the form that `pg` asks a query's `types` for. */
export const readers = { getTypeParser: (oid) => column(oid).read };
