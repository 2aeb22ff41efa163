// @ts-check
// Which fields a schema's models have: which hold JSON and which lead to another model, to translate
// a request (arguments.mjs), and which are plain columns, to write an answer (record_values.mjs).
// Prisma's own parser would be two more megabytes of wasm in a process that runs all day, so this
// reads the lines by itself; the tests compare it with Prisma's.

const MODEL = /^model\s+(\w+)\s*\{([^]*?)^\}/gm;
const ENUM = /^enum\s+(\w+)\s*\{([^]*?)^\}/gm;
const FIELD = /^[ \t]*(\w+)[ \t]+(\w+)(\[\])?(\?)?([^\n]*)/gm;
const MAPPED = /@map\((?:\s*name:)?\s*"([^"]+)"\s*\)/;
const SCALARS = new Set(['String', 'Boolean', 'Int', 'BigInt', 'Float', 'Decimal', 'DateTime', 'Json', 'Bytes']);

const blocks = (text, pattern) => [...text.matchAll(pattern)].map(([, name, body]) => [name, body]);

/** `models.get(model)?.get(field)` is 'Json' or the name of a model; other fields are left out. */
export function parseDatamodel(text) {
  const bodies = blocks(text, MODEL);
  const names = new Set(bodies.map(([model]) => model));
  const models = new Map();
  for (const [model, body] of bodies) {
    const fields = new Map();
    for (const [, field, type] of body.matchAll(FIELD)) {
      if (type === 'Json' || names.has(type)) fields.set(field, type);
    }
    models.set(model, fields);
  }
  return models;
}

/**
 * The fields that are columns by themselves: `columns.get(model)?.get(field)` is `{ name, column,
 * type, list, required, isEnum }`. An enum whose words have other names in the database is left out.
 */
export function parseColumns(text) {
  const enums = new Set(blocks(text, ENUM).flatMap(([name, body]) => (body.includes('@map(') ? [] : [name])));
  const models = new Map();
  for (const [model, body] of blocks(text, MODEL)) {
    const fields = new Map();
    for (const [, name, type, list, optional, attributes] of body.matchAll(FIELD)) {
      const isEnum = enums.has(type);
      if (!isEnum && !SCALARS.has(type)) continue;
      const column = MAPPED.exec(attributes)?.[1] ?? name;
      fields.set(name, { name, column, type, list: Boolean(list), required: !optional, isEnum });
    }
    models.set(model, fields);
  }
  return models;
}
