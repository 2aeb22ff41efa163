import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { EngineProcess } from './support/engine.mjs';
import { PASSWORD, Postgres } from './support/postgres.mjs';

const TABLES = `
  create type "Kind" as enum ('CAT', 'DOG');
  create table "Owner" (id text primary key, name text unique, data jsonb not null default '{}', "where" jsonb,
    big bigint, tags text[], lists jsonb[]);
  create table "Pet" (id serial primary key, owner_id text references "Owner"(id), traits jsonb not null default '{}',
    kind "Kind" not null default 'CAT');`;
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
      const begun = await Promise.all(Array.from({ length: 6 }, () => start({ max_wait: 100, timeout: 300 })));
      assert.equal(begun.filter(({ id }) => id).length, 4);
      assert.deepEqual(begun.filter(({ errors }) => errors).map(code), ['P2028', 'P2028']);
      await engine.post(`/transaction/${begun.find(({ id }) => id).id}/rollback`, '');
      await sleep(600);
      assert.ok((await engine.query(COUNT)).data);
    }
    assert.ok((await connections()) <= 4);
    const idle = await postgres.sql("select count(*)::int as n from pg_stat_activity where state like 'idle in transaction%'");
    assert.equal(idle[0].n, 0);
  });

  it('waits for a connection no longer than the pool may', async () => {
    const impatient = await EngineProcess.start(postgres.url('connection_limit=1&pool_timeout=1'));
    try {
      const slow = impatient.raw('select pg_sleep(2)');
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

  for (const signal of ['SIGTERM', 'SIGINT']) {
    it(`ends its requests, its connections and itself on ${signal}`, async () => {
      const own = await EngineProcess.start(postgres.url('connection_limit=2&application_name=stopped'));
      const slow = own.raw('select pg_sleep(0.7)');
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
