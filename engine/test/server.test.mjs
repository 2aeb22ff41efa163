// @ts-check
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { EngineProcess } from './support/engine.mjs';
import { PASSWORD, Postgres } from './support/postgres.mjs';

const TABLES = `
  create type "Kind" as enum ('CAT', 'DOG');
  create type "Size" as enum ('s', 'LARGE');
  create table "Owner" (id text primary key, name text unique, data jsonb not null default '{}', "where" jsonb,
    big bigint, tags text[], lists jsonb[], other_name text, price numeric, ratio float8, at timestamp, raw bytea, sure bool[]);
  create table "Pet" (id serial primary key, owner_id text references "Owner"(id), traits jsonb not null default '{}',
    kind "Kind" not null default 'CAT', kinds "Kind"[], size "Size");`;
const COUNT = 'query { result: aggregateOwner { _count { _all } } }';

const code = (answer) => answer.errors[0].user_facing_error.error_code;

/** Waits for what becomes true by itself, within ten seconds. */
async function eventually(condition) {
  for (let tries = 0; tries < 200; tries++) {
    if (await condition()) return true;
    await sleep(50);
  }
  return false;
}

describe('the engine', { timeout: 120_000 }, () => {
  let postgres;
  let engine;

  before(async () => {
    postgres = new Postgres();
    await postgres.start();
    await postgres.sql(TABLES);
    engine = await EngineProcess.start(postgres.url());
  });

  after(async () => {
    await engine?.stop();
    await postgres?.remove();
  });

  const connections = async () =>
    (await postgres.sql("select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"))[0].n;

  const inTransactions = async () =>
    (await postgres.sql("select count(*)::int as n from pg_stat_activity where state like 'idle in transaction%'"))[0].n;

  it('answers what is no query of its protocol', async () => {
    assert.deepEqual(await (await engine.get('/status')).json(), { status: 'ok' });
    assert.equal((await engine.get('/nowhere')).status, 404);
    assert.equal((await engine.post('/transaction/x/explode', {})).status, 404);
    assert.equal(code(await (await engine.post('/', 'not json')).json()), 'P2009');
    assert.equal(code(await engine.query('{')), 'P2009');
    assert.equal((await engine.post('/', { batch: 3 })).status, 500);
    assert.deepEqual(await engine.query(COUNT), { data: { result: { _count: { _all: 0 } } } });
  });

  it('listens on loopback alone', () => {
    const port = engine.port.toString(16).toUpperCase().padStart(4, '0');
    const tables = ['/proc/net/tcp', '/proc/net/tcp6'].filter(existsSync).map((path) => readFileSync(path, 'latin1'));
    const listening = tables.join('\n').split('\n').map((each) => each.trim().split(/\s+/)).filter((each) => each[1]?.endsWith(`:${port}`) && each[3] === '0A');
    assert.ok(listening.length > 0);
    for (const [, local] of listening) assert.match(local, /^(0100007F|00000000000000000000000001000000):/);
  });

  it('listens on a socket of its own user alone where it is given one', async () => {
    const socket = join(postgres.folder, 'engine.sock');
    const other = await EngineProcess.start(postgres.url(), { env: { AI_GATEWAY_ENGINE_SOCKET: socket } });
    try {
      assert.equal(statSync(socket).mode & 0o777, 0o700);
      assert.equal((await other.get('/nowhere')).status, 404);
      await assert.rejects(fetch(`http://127.0.0.1:${other.port}/status`));
    } finally {
      await other.stop();
    }
    assert.ok(!existsSync(socket));
  });

  it('lets as many clients wait at its socket as one of them makes connections', async () => {
    const path = join(postgres.folder, 'busy.sock');
    const busy = await EngineProcess.start(postgres.url(), { env: { AI_GATEWAY_ENGINE_SOCKET: path } });
    const clients = [];
    try {
      busy.child.kill('SIGSTOP');
      for (let n = 0; n < 1000; n++) {
        const client = connect(path);
        clients.push(client);
        await once(client, 'connect');
        client.write('GET /status HTTP/1.1\r\nHost: engine\r\n\r\n');
      }
      busy.child.kill('SIGCONT');
      for (const client of clients) assert.match(String((await once(client, 'data'))[0]), /^HTTP\/1.1 200/);
    } finally {
      for (const client of clients) client.destroy();
      busy.child.kill('SIGCONT');
      await busy.stop();
    }
  });

  it('serves its own user alone', { skip: process.getuid() !== 0 && 'only root can act as somebody else' }, () => {
    const script = `
import sys, urllib.request
try:
    sys.exit(0 if urllib.request.urlopen('http://127.0.0.1:${engine.port}/status').status == 200 else 4)
except OSError:
    sys.exit(5)`;
    // The distribution's Python, as our own Node.js may lie where nobody else may look.
    const asks = (user) => spawnSync('/usr/bin/python3', ['-c', script], { ...user, cwd: '/', env: {} }).status;
    assert.equal(asks({}), 0);
    assert.equal(asks({ uid: 65534, gid: 65534 }), 5);
  });

  it('reads records alike with the core and past it', async () => {
    await postgres.sql(`
      insert into "Owner" values
        ('p1', 'n"1', '{"a": 1.0, "b": [true, null]}', 'null', 9007199254740993, '{a,"b,c",""}', '{"{}","[1]"}', 'x', 1234567890.12345678901234567890, 0.1::float8 + 0.2::float8, '2031-02-03 04:05:06.789999', '\\x00ff', '{t,f}'),
        ('p2', null, '"text"', null, null, null, null, null, 100.00, 1, '0044-03-15 04:05:06 BC', null, '{}'),
        ('p3', E'ü\u2028\n💥', '[]', '{"$type": "Json", "value": 1}', -1, '{}', '{}', '', -0.00, 1e300, '12345-01-01', '', null);
      insert into "Pet" (owner_id, kind, kinds, size) values ('p1', 'DOG', '{CAT,DOG}', 's'), (null, 'CAT', null, null);`);
    const owner = 'id name data where big tags lists renamed price ratio at raw sure';
    const pet = 'id owner_id traits kind kinds';
    const read = async (query) => {
      const answer = await engine.query(`query { result: ${query} }`);
      assert.ok(answer.data, JSON.stringify(answer));
      return answer.data.result;
    };
    const without = (records, relation) => records.map(({ [relation]: _, ...record }) => record);
    const json = (record) => ({ ...record, data: JSON.parse(record.data), where: JSON.parse(record.where) });
    for (const rest of ['where: { id: { startsWith: "p" } }, orderBy: [{ id: asc }]', 'where: { id: { startsWith: "p" } }, orderBy: [{ id: desc }], take: 2, skip: 1']) {
      const past = await read(`findManyOwner(${rest}) { ${owner} }`);
      const core = without(await read(`findManyOwner(${rest}) { ${owner} pets { id } }`), 'pets');
      assert.ok(past.length > 1);
      assert.deepEqual(past.map(json), core.map(json));
    }
    const pets = await read(`findManyPet(orderBy: [{ id: asc }]) { ${pet} }`);
    assert.deepEqual(pets, without(await read(`findManyPet(orderBy: [{ id: asc }]) { ${pet} owner { id } }`), 'owner'));
    // A word that has another name in the database, the last of an order, distinct ones: the core's.
    assert.deepEqual((await read('findManyPet(orderBy: [{ id: asc }]) { size }')).map(({ size }) => size), ['SMALL', null]);
    assert.deepEqual(await read('findManyOwner(orderBy: [{ id: asc }], take: -1, where: { id: { startsWith: "p" } }) { id }'), [{ id: 'p3' }]);
    assert.equal((await read('findManyPet(distinct: [kind]) { kind }')).length, 2);
    assert.deepEqual(await read('findUniqueOwner(where: { id: "p2" }) { id big sure }'), { id: 'p2', big: null, sure: [] });
    assert.equal(await read('findFirstOwner(where: { id: "nobody" }) { id }'), null);
    assert.deepEqual(await read('findManyOwner(where: { id: "nobody" }) { id }'), []);
    assert.deepEqual(await read('findManyOwner(take: 0) { id }'), []);
    assert.equal(code(await engine.query('query { result: findUniqueOwnerOrThrow(where: { id: "nobody" }) { id } }')), 'P2025');
    // What the core refuses is refused in its words.
    for (const [field, value, expected] of [['ratio', "'NaN'", 'P2023'], ['tags', "'{a,NULL}'", 'P2032']]) {
      await postgres.sql(`update "Owner" set ${field} = ${value} where id = 'p1'`);
      const { errors } = await engine.query(`query { result: findManyOwner(where: { id: "p1" }) { ${field} } }`);
      assert.equal(errors[0].user_facing_error.error_code, expected);
    }
    await postgres.sql('delete from "Pet"; delete from "Owner"');
  });

  it('answers a raw query as the native engine does', async () => {
    const wire = async (sql) => (await engine.post('/', { query: `mutation { result: queryRaw(query: ${JSON.stringify(sql)}, parameters: "[]") }` })).text();
    const result = (columns, rows, types) => `{"data":{"result":{"columns":${columns},"rows":${rows},"types":${types}}}}`;
    const numbers = "select 12345678901234567890 as a, 1.0::float8 as b, 'NaN'::float8 as c, '{\"n\": 12345678901234567890.0}'::jsonb as d, 1.50 as e";
    assert.equal(await wire(numbers), result('["a","b","c","d","e"]', '[["12345678901234567890",1.0,null,{"n": 12345678901234567890.0},"1.5"]]', '["decimal","double","double","json","decimal"]'));
    const times = "select '0044-03-15 01:02:03 BC'::timestamp as a, '24:00:00'::time as b, date '0044-03-15 BC' as c, '-1234.5'::money as d, inet '10.0.0.1/8' as e";
    assert.equal(await wire(times), result('["a","b","c","d","e"]', '[["-0043-03-15T01:02:03+00:00","00:00:00","-0043-03-15","-1234.5","10.0.0.1"]]', '["datetime","time","date","decimal","string"]'));
    assert.equal(await wire('select 1 as a, null::int[] as b where false'), result('["a","b"]', '[]', '[]'));
    assert.equal(await wire('create temporary table t (i int)'), result('[]', '[]', '[]'));
    assert.equal(await wire(`select 'CAT'::"Kind" as a, array['DOG']::"Kind"[] as b`), result('["a","b"]', '[["CAT",["DOG"]]]', '["enum","string-array"]'));
    for (const value of ['array[[1],[2]]', "'infinity'::timestamp", "'-infinity'::date", 'point(1, 2)', 'array[point(1, 2)]', "'NaN'::numeric"]) {
      const { errors } = JSON.parse(await wire(`select ${value} as v`));
      assert.equal(errors[0].user_facing_error.error_code, 'P2010', value);
      assert.equal(errors[0].user_facing_error.meta.code, 'N/A');
    }
    assert.equal(await wire('select 1 as a'), result('["a"]', '[[1]]', '["int"]'));
  });

  it('knows errors in a batch by their code', async () => {
    const create = (id) => ({ query: `mutation { result: createOneOwner(data: { id: "${id}", tags: [] }) { id } }`, variables: {} });
    const answer = await (await engine.post('/', { batch: [create('b'), create('b')], transaction: true })).json();
    assert.equal(code(answer), 'P2002');
    assert.deepEqual(answer.errors[0].user_facing_error.meta.target, ['id']);
    assert.deepEqual(await engine.query(COUNT), { data: { result: { _count: { _all: 0 } } } });
    const apart = await (await engine.post('/', { batch: [create('c'), create('c')], transaction: false })).json();
    assert.equal(apart.batchResult[0].data.result.id, 'c');
    assert.equal(code(apart.batchResult[1]), 'P2002');
  });

  it('refuses a transaction that there never was', async () => {
    for (const id of ['x', 'cmwu2n0400000uw9j7i8yup98']) {
      assert.equal(code(await engine.query(COUNT, id)), 'P2028');
      assert.equal(code(await (await engine.post(`/transaction/${id}/commit`, '')).json()), 'P2028');
    }
    assert.ok(await engine.query(COUNT));
  });

  it('gives every connection back, however a transaction ends', async () => {
    const start = async (options) => (await (await engine.post('/transaction/start', options)).json());
    for (let round = 0; round < 3; round++) {
      const begun = await Promise.all(Array.from({ length: 6 }, () => start({ max_wait: 400, timeout: 1500 })));
      assert.equal(begun.filter(({ id }) => id).length, 4);
      assert.deepEqual(begun.filter(({ errors }) => errors).map(code), ['P2028', 'P2028']);
      await engine.post(`/transaction/${begun.find(({ id }) => id).id}/rollback`, '');
      assert.ok(await eventually(async () => (await inTransactions()) === 0));
      assert.ok((await engine.query(COUNT)).data);
    }
    assert.ok((await connections()) <= 4);
    assert.equal(await inTransactions(), 0);
  });

  it('waits for a connection no longer than the pool may', async () => {
    const impatient = await EngineProcess.start(postgres.url('connection_limit=1&pool_timeout=1'));
    try {
      const slow = impatient.raw('select 1 as one from pg_sleep(2)');
      await sleep(200);
      assert.equal(code(await impatient.query(COUNT)), 'P2024');
      assert.ok((await slow).data);
      assert.ok((await impatient.query(COUNT)).data);
    } finally {
      await impatient.stop();
    }
  });

  it('finds a password that is not in the URL', async () => {
    const url = postgres.url().replace(`:${encodeURIComponent(PASSWORD)}`, '');
    const passwordFile = join(postgres.folder, 'pgpass');
    writeFileSync(passwordFile, `*:*:*:*:${PASSWORD}\n`, { mode: 0o600 });
    for (const env of [{ PGPASSWORD: PASSWORD }, { PGPASSFILE: passwordFile }]) {
      const own = await EngineProcess.start(url, { env });
      const answer = await own.query(COUNT);
      await own.stop();
      assert.ok(answer.data, JSON.stringify(answer));
    }
  });

  it('says what is wrong with a login', async () => {
    const wrong = [
      [postgres.url().replace(encodeURIComponent(PASSWORD), 'not-the-word'), 'P1000'],
      [postgres.url('connection_limit=1', 'no_such_database'), 'P1003'],
    ];
    for (const [url, expected] of wrong) {
      const refused = await EngineProcess.start(url);
      const answer = await refused.query(COUNT);
      await refused.stop();
      assert.equal(code(answer), expected);
      assert.ok(!JSON.stringify(answer).includes('not-the-word'));
      assert.ok(!refused.output.includes('not-the-word'));
    }
  });

  for (const signal of ['SIGINT', 'SIGQUIT']) {
    it(`lives through PostgreSQL's end by ${signal} and its return`, async () => {
      const { id } = await (await engine.post('/transaction/start', { max_wait: 1000, timeout: 20_000 })).json();
      const busy = engine.raw('select pg_sleep(20)');
      await eventually(async () => (await postgres.sql("select 1 from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid()")).length);
      await postgres.stop(signal);
      assert.equal(code(await busy), 'P1017');
      assert.equal(code(await engine.query(COUNT, id)), 'P1017');
      const down = await engine.query(COUNT);
      assert.equal(code(down), 'P1001');
      assert.match(down.errors[0].user_facing_error.message, /Can't reach database server/);
      assert.equal(code(await (await engine.post('/transaction/start', { max_wait: 1000, timeout: 1000 })).json()), 'P1001');
      await postgres.start();
      assert.ok(await eventually(async () => (await engine.query(COUNT)).data));
      assert.ok((await (await engine.post(`/transaction/${id}/rollback`, '')).json()) !== null);
      for (let n = 0; n < 8; n++) assert.ok((await engine.query(COUNT)).data);
    });
  }

  for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGTERM', 'SIGINT'])) {
    it(`ends its requests, its connections and itself on ${signal}`, async () => {
      const own = await EngineProcess.start(postgres.url('connection_limit=2&application_name=stopped'));
      const slow = own.raw('select 1 as one from pg_sleep(0.7)');
      await sleep(300);
      const stopped = own.stop(signal);
      assert.ok((await slow).data);
      assert.equal(await stopped, 0);
      const left = "select 1 from pg_stat_activity where application_name = 'stopped'";
      assert.ok(await eventually(async () => (await postgres.sql(left)).length === 0));
      assert.ok(!own.output.includes(encodeURIComponent(PASSWORD)));
    });
  }

  it('ends although a transaction does not', async () => {
    const own = await EngineProcess.start(postgres.url());
    await own.post('/transaction/start', { max_wait: 1000, timeout: 60_000 });
    assert.equal(await own.stop(), 0);
  });

  it('does not outlive its parent', async () => {
    // The shell starts the engine, prints its number and goes away when it is told to: an engine that has
    // not looked yet who its parent is would take whoever inherits it for that.
    const launcher = ['/bin/sh', '-c', '"$@" & echo "pid $!"; read -r _', 'sh'];
    const orphan = await EngineProcess.start(postgres.url(), { launcher });
    orphan.child.stdin.end();
    const pid = Number(/^pid (\d+)/m.exec(orphan.output)[1]);
    assert.equal(readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), 'query-engine');
    await orphan.exited;
    assert.ok(await eventually(() => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')));
  });
});
