// Which fields of a schema hold JSON and which lead to another model: what translating a request
// has to know (see arguments.mjs) and nothing else. Prisma's own parser would be two more
// megabytes of wasm in a process that runs all day, so this reads the lines by itself; the tests
// compare it with Prisma's.

const MODEL = /^model\s+(\w+)\s*\{([^]*?)^\}/gm;
const FIELD = /^[ \t]*(\w+)[ \t]+(\w+)/gm;

/** `models.get(model)?.get(field)` is 'Json' or the name of a model; other fields are left out. */
export function parseDatamodel(text) {
  const bodies = [...text.matchAll(MODEL)].map(([, model, body]) => [model, body]);
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
