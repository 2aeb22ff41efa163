// @ts-check
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { clientAnswer, untagged } from '../src/answers.mjs';
import { Unreadable } from '../src/postgres_text.mjs';
import { describe as describeType, RawRows, unknownTypes } from '../src/raw_values.mjs';
import { RecordRows } from '../src/record_values.mjs';

/** The JSON of one value of a raw query, and what its type is called. */
function raw(oid, text, catalogue = new Map()) {
  const rows = new RawRows([{ name: 'v', dataTypeID: oid }], catalogue);
  const [json] = [rows.row([text])];
  const { types } = JSON.parse(rows.head + json + rows.tail(1));
  return [types[0], json.slice(1, -1)];
}

describe('a value of a raw query', () => {
  // [oid, PostgreSQL's text, Prisma's name, JSON], as the native engine's source has it; JSON keeps the
  // digits of numbers beyond 64 bits, of which the native engine makes a float.
  const values = [
    [16, 't', 'bool', 'true'],
    [17, '\\x6869ff', 'bytes', '"aGn/"'],
    [18, 'x', 'char', '"x"'],
    [18, '', 'char', '"\\u0000"'],
    [18, '\\351', 'char', '"é"'],
    [20, '-9223372036854775808', 'bigint', '"-9223372036854775808"'],
    [21, '-7', 'int', '-7'],
    [25, 'a"\\\n\u2028ü💥', 'string', '"a\\"\\\\\\n\u2028ü💥"'],
    [26, '4294967295', 'bigint', '"4294967295"'],
    [114, '{"a":1.0, "a" : 12345678901234567890}', 'json', '{"a":1.0, "a" : 12345678901234567890}'],
    [700, '0.1', 'float', '0.1'],
    [700, '1e+20', 'float', '1e+20'],
    [701, '1', 'double', '1.0'],
    [701, '-0', 'double', '-0.0'],
    [701, '0.30000000000000004', 'double', '0.30000000000000004'],
    [701, '1e+300', 'double', '1e+300'],
    [701, 'NaN', 'double', 'null'],
    [701, '-Infinity', 'double', 'null'],
    [790, '-$1,234.50', 'decimal', '"-1234.5"'],
    [869, '10.1.2.3/8', 'string', '"10.1.2.3"'],
    [650, 'fe80::/10', 'string', '"fe80::"'],
    [1082, '2031-02-03', 'date', '"2031-02-03"'],
    [1082, '0044-03-15 BC', 'date', '"-0043-03-15"'],
    [1082, '0001-12-31 BC', 'date', '"0000-12-31"'],
    [1082, '12345-01-01', 'date', '"+12345-01-01"'],
    [1083, '24:00:00', 'time', '"00:00:00"'],
    [1083, '04:05:06.7', 'time', '"04:05:06.700"'],
    [1266, '24:00:00-07', 'time', '"00:00:00"'],
    [1266, '04:05:06.123456+05:30', 'time', '"04:05:06.123456"'],
    [1114, '2031-02-03 04:05:06', 'datetime', '"2031-02-03T04:05:06+00:00"'],
    [1114, '0044-03-15 04:05:06.1234 BC', 'datetime', '"-0043-03-15T04:05:06.123400+00:00"'],
    [1184, '2031-02-03 04:05:06.789+00', 'datetime', '"2031-02-03T04:05:06.789+00:00"'],
    [1560, '0101', 'string', '"0101"'],
    [1700, '12345678901234567890', 'decimal', '"12345678901234567890"'],
    [1700, '1.0', 'decimal', '"1"'],
    [1700, '-100.00', 'decimal', '"-100"'],
    [1700, '0.000', 'decimal', '"0"'],
    [1700, '0.1000000000000000055511151231257827', 'decimal', '"0.1000000000000000055511151231257827"'],
    [2950, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'uuid', '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'],
    [1007, '{1,NULL,-3}', 'int-array', '[1,null,-3]'],
    [1007, '[0:1]={1,2}', 'int-array', '[1,2]'],
    [1007, '{}', 'unknown-array', '[]'],
    [1009, '{a,NULL,"NULL","b,c","q\\"\\\\",""}', 'string-array', '["a",null,"NULL","b,c","q\\"\\\\",""]'],
    [1016, '{9223372036854775807}', 'bigint-array', '["9223372036854775807"]'],
    [1022, '{1,NaN}', 'double-array', '[1.0,null]'],
    [1001, '{"\\\\x00ff"}', 'bytes-array', '["AP8="]'],
    [1115, '{"2031-02-03 04:05:06"}', 'datetime-array', '["2031-02-03T04:05:06+00:00"]'],
    [3807, '{"{\\"a\\": 1.0}",NULL}', 'json-array', '[{"a": 1.0},null]'],
    [143, '{<a/>}', 'string-array', '["<a/>"]'],
  ];
  for (const [oid, text, type, json] of values) {
    it(`of type ${oid}: ${text}`, () => assert.deepEqual(raw(oid, text), [type, json]));
  }

  it('that the native engine cannot read is not read', () => {
    const unreadable = [[1114, 'infinity'], [1184, '-infinity'], [1082, 'infinity'], [1082, '300000-01-01'], [1083, 'noon'], [1007, '{{1,2},{3,4}}'], [1700, 'NaN'], [1700, '-Infinity']];
    for (const [oid, text] of unreadable) assert.throws(() => raw(oid, text), Unreadable, `${oid} ${text}`);
  });

  it('of a type that PostgreSQL had to be asked about', () => {
    const own = [{ typtype: 'e', typname: 'Kind' }, { typtype: 'b', typname: '_Kind', element: { typtype: 'e', typname: 'Kind' } }, { typtype: 'b', typname: 'citext' }, { typtype: 'b', typname: 'span', nspname: 'other' }];
    const catalogue = new Map(own.map((type, n) => [20000 + n, describeType({ nspname: 'public', element: undefined, ...type })]));
    assert.deepEqual(unknownTypes([23, 20000, 20009], catalogue), [20009]);
    assert.deepEqual(raw(20000, 'C"AT', catalogue), ['enum', '"C\\"AT"']);
    assert.deepEqual(raw(20001, '{CAT,NULL}', catalogue), ['string-array', '["CAT",null]']);
    assert.deepEqual(raw(20002, 'x', catalogue), ['string', '"x"']);
    assert.throws(() => raw(20003, 'x', catalogue), /column of type 'other.span'/);
  });

  it('is known by the first array that holds something', () => {
    const rows = new RawRows([{ name: 'a', dataTypeID: 1007 }, { name: 'b', dataTypeID: 23 }], new Map());
    const body = [rows.row([null, null]), rows.row(['{}', '1']), rows.row(['{5}', '1'])].join(',');
    assert.deepEqual(JSON.parse(rows.head + body + rows.tail(3)), { columns: ['a', 'b'], types: ['int-array', 'int'], rows: [[null, null], [[], 1], [[5], 1]] });
    assert.deepEqual(JSON.parse(new RawRows([{ name: 'a', dataTypeID: 1007 }], new Map()).head + rows.tail(0)), { columns: ['a'], types: [], rows: [] });
  });
});

describe('a record', () => {
  const field = (name, type, more = {}) => ({ name, column: name, type, list: false, required: true, isEnum: false, ...more });
  const write = (fields, oids, values) => RecordRows.of(fields, fields.map(({ column }, n) => ({ name: column, dataTypeID: oids[n] })))?.row(values);

  it('is written as the core writes it', () => {
    const fields = [field('s', 'String'), field('f', 'Float'), field('g', 'Float'), field('d', 'DateTime'), field('j', 'Json'), field('k', 'Kind', { isEnum: true }), field('l', 'String', { list: true }), field('n', 'BigInt', { required: false, column: 'other' })];
    const values = ['x"', '0.30000000000000004', '1', '2031-02-03 04:05:06.789999', '{"a": 1.0}', 'CAT', null, null];
    assert.equal(write(fields, [25, 701, 701, 1114, 3802, 20000, 1009, 20], values), '{"s":"x\\"","f":0.3,"g":1.0,"d":"2031-02-03T04:05:06.789Z","j":"{\\"a\\": 1.0}","k":"CAT","l":[],"n":null}');
  });

  it('is left to the core where it is not plain', () => {
    assert.equal(RecordRows.of([field('s', 'String')], [{ name: 's', dataTypeID: 600 }]), undefined);
    assert.equal(RecordRows.of([field('s', 'String')], [{ name: 't', dataTypeID: 25 }]), undefined);
    assert.throws(() => write([field('s', 'String')], [25], [null]), Unreadable);
    assert.throws(() => write([field('f', 'Float')], [701], ['NaN']), Unreadable);
  });
});

describe("the core's answer", () => {
  const tag = ($type, value) => ({ $type, value });

  it('is called result and has no tags', () => {
    const answer = { data: { findManyOwner: [{ big: tag('BigInt', '5'), data: tag('Json', '{"$type":"x","value":"\\""}'), pets: [{ id: 1, b: tag('Bytes', 'aGk=') }], name: null }] } };
    const expected = { data: { result: [{ big: '5', data: '{"$type":"x","value":"\\""}', pets: [{ id: 1, b: 'aGk=' }], name: null }] } };
    assert.deepEqual(JSON.parse(clientAnswer(JSON.stringify(answer), { action: 'findMany' })), expected);
    assert.equal(untagged('[1.0,{"$type":"Decimal","value":12345678901234567890.10},2]'), '[1.0,12345678901234567890.10,2]');
    assert.equal(untagged('{"a":{"$type":"List","value":[1,{"$type":"BigInt","value":"2"}]},"b":3}').includes('$type":"List'), false);
  });

  it('keeps the rows of a raw query as they are', () => {
    const json = '{"data":{"queryRaw":{"columns":["j"],"types":["json"],"rows":[[{"$type":"kept","value":1.0}]]}}}';
    assert.equal(clientAnswer(json, { action: 'queryRaw' }), json.replace('queryRaw', 'result'));
  });

  it('has the errors of a request, and of each in a batch', () => {
    const mend = (error) => error + 1;
    assert.deepEqual(JSON.parse(clientAnswer('{"errors":[1]}', {}, mend)), { errors: [2] });
    const batch = { batch: [{ action: 'executeRaw' }, { action: 'createOne' }, { action: 'findMany' }, { action: 'queryRaw' }] };
    const json = JSON.stringify({ batchResult: [{ data: { executeRaw: 3 } }, { errors: [2] }, { data: { findManyPet: [{ n: tag('BigInt', '}],') }] } }, { data: { queryRaw: { rows: [[{ $type: 'a', value: '"' }]] } } }] });
    const expected = { batchResult: [{ data: { result: 3 } }, { errors: [3] }, { data: { result: [{ n: '}],' }] } }, { data: { result: { rows: [[{ $type: 'a', value: '"' }]] } } }] };
    assert.deepEqual(JSON.parse(clientAnswer(json, batch, mend)), expected);
    assert.equal(clientAnswer('{"batchResult":[]}', { batch: [] }, mend), '{"batchResult":[]}');
  });
});
