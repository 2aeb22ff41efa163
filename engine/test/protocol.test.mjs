// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { parseDatamodel } from '../src/datamodel.mjs';
import { BadRequest, Protocol } from '../src/protocol.mjs';

const schema = readFileSync(new URL('./support/schema.prisma', import.meta.url), 'utf8');
const protocol = new Protocol(parseDatamodel(schema));
const json = (value) => ({ $type: 'Json', value });

/** The arguments that a query's arguments become. */
function translated(action, text) {
  return protocol.request(`mutation { result: ${action}(${text}) { id } }`).query.arguments;
}

describe('a request', () => {
  it('names an action, a model, arguments and a selection', () => {
    const text = 'query { result: findManyOwner(take: 2, orderBy: [{ id: "asc" }]) { id pets(take: 1) { id } _count { _all } } }';
    assert.deepEqual(protocol.request(text), {
      modelName: 'Owner',
      action: 'findMany',
      query: {
        arguments: { take: 2, orderBy: [{ id: 'asc' }] },
        selection: {
          id: true,
          pets: { arguments: { take: 1 }, selection: { id: true } },
          _count: { arguments: {}, selection: { _all: true } },
        },
      },
    });
  });

  for (const [name, action] of [
    ['findUniqueOwner', 'findUnique'],
    ['findFirstOwnerOrThrow', 'findFirstOrThrow'],
    ['createOneOwner', 'createOne'],
    ['updateManyOwner', 'updateMany'],
    ['aggregateOwner', 'aggregate'],
    ['groupByOwner', 'groupBy'],
  ]) {
    it(`${name} is ${action} of Owner`, () => {
      const request = protocol.request(`query { result: ${name} { id } }`);
      assert.deepEqual([request.action, request.modelName], [action, 'Owner']);
    });
  }

  it('may be raw, with its parameters as they are', () => {
    const request = protocol.request('mutation { result: queryRaw(query: "select $1", parameters: "[\\"{}\\"]") }');
    assert.deepEqual(request, { action: 'queryRaw', query: { arguments: { query: 'select $1', parameters: '["{}"]' }, selection: {} } });
  });

  it('keeps numbers that JavaScript cannot hold', () => {
    const { data } = translated('createOneOwner', 'data: { id: "a", big: 9007199254740993, tags: ["x"] }');
    assert.deepEqual(data, { id: 'a', big: { $type: 'BigInt', value: '9007199254740993' }, tags: ['x'] });
  });

  it('may be many, in a transaction or not', () => {
    const one = 'query { result: findManyOwner { id } }';
    assert.deepEqual(protocol.batch([one], true).transaction, {});
    assert.ok(!('transaction' in protocol.batch([one, one], false)));
    assert.equal(protocol.batch([one, one], false).batch.length, 2);
  });

  for (const text of ['', 'secret {', 'query { a: dropTable { id } }', 'query { a: findManyOwner { id } b: findManyPet { id } }']) {
    it(`is refused without being quoted: ${text}`, () => {
      assert.throws(() => protocol.request(text), (error) => error instanceof BadRequest && !error.message.includes('secret'));
    });
  }
});

describe('a Json field', () => {
  it('is tagged in what is written, whatever it is called', () => {
    const { data } = translated('createOneOwner', 'data: { id: "{}", data: "[1]", where: "{}", lists: { set: ["1", "2"] } }');
    assert.deepEqual(data, { id: '{}', data: json('[1]'), where: json('{}'), lists: { set: [json('1'), json('2')] } });
  });

  it('is tagged in each record of many', () => {
    assert.deepEqual(translated('createManyOwner', 'data: [{ data: "1" }, { data: "2" }]').data, [{ data: json('1') }, { data: json('2') }]);
  });

  it('is tagged in both halves of an upsert', () => {
    const { where, create, update } = translated('upsertOneOwner', 'where: { id: "1" }, create: { data: "1" }, update: { data: "2", name: "3" }');
    assert.deepEqual([where, create, update], [{ id: '1' }, { data: json('1') }, { data: json('2'), name: '3' }]);
  });

  it('keeps what says that there is none', () => {
    const { data } = translated('createOneOwner', 'data: { data: JsonNull, where: null }');
    assert.deepEqual(data, { data: { $type: 'Enum', value: 'JsonNull' }, where: null });
  });

  it('is tagged where a filter compares, not where it says how', () => {
    const { where } = translated('findManyOwner', 'where: { AND: [{ data: { path: ["a"], equals: "1" } }], NOT: { where: { string_contains: "x", not: "2" } } }');
    assert.deepEqual(where, {
      AND: [{ data: { path: ['a'], equals: json('1') } }],
      NOT: { where: { string_contains: 'x', not: json('2') } },
    });
  });

  it('is tagged in records made through a relation', () => {
    const { data } = translated('updateOneOwner', `where: { id: "1" }, data: { pets: {
      create: [{ traits: "1" }], connect: { id: 1 }, createMany: { data: [{ traits: "2" }] },
      connectOrCreate: { where: { id: 1 }, create: { traits: "3" } },
      upsert: { where: { id: 1 }, create: { traits: "4" }, update: { traits: "5" } },
      update: [{ where: { id: 1 }, data: { traits: "6" } }], deleteMany: [{ traits: { equals: "7" } }] } }`);
    assert.deepEqual(data.pets, {
      create: [{ traits: json('1') }],
      connect: { id: 1 },
      createMany: { data: [{ traits: json('2') }] },
      connectOrCreate: { where: { id: 1 }, create: { traits: json('3') } },
      upsert: { where: { id: 1 }, create: { traits: json('4') }, update: { traits: json('5') } },
      update: [{ where: { id: 1 }, data: { traits: json('6') } }],
      deleteMany: [{ traits: { equals: json('7') } }],
    });
  });

  it('is tagged in an update of the one at the other end', () => {
    const update = (text) => translated('updateOnePet', `where: { id: 1 }, data: { owner: { update: ${text} } }`).data.owner.update;
    assert.deepEqual(update('{ data: "1", name: "n" }'), { data: json('1'), name: 'n' });
    assert.deepEqual(update('{ data: "1" }'), { data: json('1') });
    assert.deepEqual(update('{ where: { name: "n" }, data: { data: "1" } }'), { where: { name: 'n' }, data: { data: json('1') } });
  });

  it('is tagged in filters across relations, and in arguments of an included one', () => {
    const { where } = translated('findManyOwner', 'where: { pets: { some: { traits: { equals: "1" } } } }');
    assert.deepEqual(where, { pets: { some: { traits: { equals: json('1') } } } });
    assert.deepEqual(translated('findManyPet', 'where: { owner: { data: { equals: "1" } } }').where, { owner: { data: { equals: json('1') } } });
    const request = protocol.request('query { result: findManyOwner { pets(where: { traits: { equals: "1" } }) { id } } }');
    const { pets } = /** @type {any} */ (request.query.selection);
    assert.deepEqual(pets.arguments, { where: { traits: { equals: json('1') } } });
  });
});
