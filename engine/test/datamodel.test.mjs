// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';

import { parseColumns, parseDatamodel } from '../src/datamodel.mjs';
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

it("reads the fields that are columns as Prisma's parser does", () => {
  const { models, enums } = generatorOptions(path, text).dmmf.datamodel;
  const plain = new Set(enums.filter(({ values }) => values.every(({ dbName }) => !dbName)).map(({ name }) => name));
  const columns = parseColumns(text);
  for (const { name, fields } of models) {
    const kept = fields.filter(({ kind, type }) => kind === 'scalar' || plain.has(type));
    const expected = kept.map((field) => [
      field.name,
      { name: field.name, column: field.dbName ?? field.name, type: field.type, list: field.isList, required: field.isRequired && !field.isList, isEnum: field.kind === 'enum' },
    ]);
    const found = [...columns.get(name)].map(([field, column]) => [field, { ...column, required: column.required && !column.list }]);
    assert.deepEqual(found, expected);
  }
  assert.equal(columns.get('Pet').get('kind').column, 'kind');
  assert.equal(columns.get('Owner').get('renamed').column, 'other_name');
  assert.equal(columns.get('Pet').has('size'), false);
});
