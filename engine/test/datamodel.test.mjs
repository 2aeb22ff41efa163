import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';

import { parseDatamodel } from '../src/datamodel.mjs';
import { generatorOptions } from '../src/generate.mjs';

const path = new URL('./support/schema.prisma', import.meta.url).pathname;
const text = readFileSync(path, 'utf8');

/** The same, as Prisma's own parser reads it. */
function prismasReading() {
  const models = new Map();
  for (const { name, fields } of generatorOptions(path, text).dmmf.datamodel.models) {
    const kept = fields.filter(({ kind, type }) => kind === 'object' || type === 'Json');
    models.set(name, new Map(kept.map((field) => [field.name, field.type])));
  }
  return models;
}

it("reads models, relations and Json fields as Prisma's parser does", () => {
  const models = parseDatamodel(text);
  assert.deepEqual(models, prismasReading());
  assert.equal(models.get('Owner').get('data'), 'Json');
});
