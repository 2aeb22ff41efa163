// @ts-check
// The values of a model's fields: a column's text form as the JSON that the engine's core would
// answer with, without the tags that the Python client does not want. Pure.
//
// A column whose type is not the usual one for its field has no reader here: then the core reads it.

import { base64, dateTime, elements, numeric, Unreadable } from './postgres_text.mjs';

const quoted = JSON.stringify;
const asIs = (text) => text;
const written = (read) => (text) => `"${read(text)}"`;

// The core holds a float as a decimal of 16 digits, and so it is for every other way to read it.
const FLOAT_DIGITS = 16;

function float(text) {
  const number = Number(text);
  if (!Number.isFinite(number)) throw new Unreadable('a float that is not finite');
  const rounded = String(Number(number.toPrecision(FLOAT_DIGITS)));
  return /[.e]/.test(rounded) ? rounded : `${rounded}.0`;
}

const day = (text) => dateTime(text.replace(/^(\d+-\d\d-\d\d)/, '$1 00:00:00'));

// Of a field's type, by the column's: [oid, oid of its array, JSON].
const READERS = {
  String: [
    [25, 1009, quoted],
    [1043, 1015, quoted],
    [1042, 1014, quoted],
    [2950, 2951, quoted],
  ],
  Boolean: [[16, 1000, (text) => (text === 't' ? 'true' : 'false')]],
  Int: [
    [23, 1007, asIs],
    [21, 1005, asIs],
  ],
  BigInt: [
    [20, 1016, written(asIs)],
    [23, 1007, written(asIs)],
  ],
  Float: [[701, 1022, float]],
  Decimal: [[1700, 1231, written(numeric)]],
  DateTime: [
    [1114, 1115, written(dateTime)],
    [1184, 1185, written(dateTime)],
    [1082, 1182, written(day)],
  ],
  Json: [
    [3802, 3807, quoted],
    [114, 199, quoted],
  ],
  Bytes: [[17, 1001, written(base64)]],
};

const FIRST_OWN_TYPE = 16384;

/** How a column's text becomes the field's JSON, or undefined. */
function reader({ type, list, isEnum }, oid) {
  if (isEnum) return oid < FIRST_OWN_TYPE ? undefined : listed(list, quoted);
  const found = READERS[type]?.find(([scalar, array]) => oid === (list ? array : scalar));
  return found && listed(list, found[2]);
}

/** A list of the schema holds no nulls. */
function listed(list, json) {
  if (!list) return json;
  return (text) => {
    const found = elements(text, json);
    if (found.includes(null)) throw new Unreadable('a list with a null');
    return `[${found.join(',')}]`;
  };
}

/** Writes the rows of one query about one model. */
export class RecordRows {
  #columns;

  constructor(columns) {
    this.#columns = columns;
  }

  /** `selected` are the schema's fields in the order of the answer; undefined if one is not plain. */
  static of(selected, fields) {
    const places = new Map(fields.map((field, place) => [field.name, place]));
    const columns = [];
    for (const field of selected) {
      const place = places.get(field.column);
      const json = place === undefined ? undefined : reader(field, fields[place].dataTypeID);
      if (!json) return undefined;
      const missing = field.list ? '[]' : field.required ? undefined : 'null';
      columns.push({ key: `${JSON.stringify(field.name)}:`, place, json, missing });
    }
    return new RecordRows(columns);
  }

  row(values) {
    const written = this.#columns.map(({ key, place, json, missing }) => {
      const text = values[place];
      if (text !== null) return key + json(text);
      if (missing === undefined) throw new Unreadable('a required field is null');
      return key + missing;
    });
    return `{${written.join(',')}}`;
  }
}
