// @ts-check
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { parseDatabaseUrl, parseSettings, SettingError } from '../src/settings.mjs';

const MACHINE = { cpus: 4 };
const SOCKET = 'postgresql://li%40te:p%2Fw@localhost/lite%20llm?host=/run/gw&connection_limit=7&pool_timeout=3';

describe('a database URL', () => {
  it('names a folder of Unix sockets by its host parameter', () => {
    const parsed = parseDatabaseUrl(SOCKET, MACHINE);
    assert.equal(parsed.host, '/run/gw');
    assert.equal(parsed.port, 5432);
    assert.equal(parsed.user, 'li@te');
    assert.equal(parsed.password, 'p/w');
    assert.equal(parsed.database, 'lite llm');
    assert.equal(parsed.connectionLimit, 7);
    assert.equal(parsed.poolTimeoutSeconds, 3);
  });

  it('has the defaults of the native engine', () => {
    const parsed = parseDatabaseUrl('postgres://u@db.example:6000/d', MACHINE);
    assert.equal(parsed.host, 'db.example');
    assert.equal(parsed.port, 6000);
    assert.equal(parsed.password, undefined);
    assert.equal(parsed.schema, 'public');
    assert.equal(parsed.tls, false);
    assert.equal(parsed.connectionLimit, 9);
    assert.equal(parsed.poolTimeoutSeconds, 10);
    assert.equal(parsed.connectTimeoutSeconds, 5);
    assert.equal(parsed.maxIdleSeconds, 300);
  });

  it('takes what LiteLLM adds to it', () => {
    const added = 'options=-c%20statement_timeout%3D5&max_idle_connection_lifetime=60.5&schema=s&pgbouncer=true';
    const parsed = parseDatabaseUrl(`postgresql://u@h/d?${added}`, MACHINE);
    assert.equal(parsed.sessionOptions, '-c statement_timeout=5');
    assert.equal(parsed.maxIdleSeconds, 60.5);
    assert.equal(parsed.schema, 's');
  });

  it('asks for TLS with and without a checked certificate', () => {
    const tls = (parameters) => parseDatabaseUrl(`postgresql://u@h/d?${parameters}`, MACHINE).tls;
    assert.deepEqual(tls('sslmode=require'), { rejectUnauthorized: false });
    assert.deepEqual(tls('sslmode=require&sslaccept=strict'), { rejectUnauthorized: true });
    assert.equal(tls('sslmode=disable'), false);
  });

  for (const wrong of ['nonsense', 'mysql://u:secret@h/d', 'postgresql://u:%secret@h/d', 'postgresql://u:secret@h/d?connection_limit=secret']) {
    it(`is refused without being quoted: ${wrong}`, () => {
      assert.throws(
        () => parseDatabaseUrl(wrong, MACHINE),
        (error) => error instanceof SettingError && !error.message.includes('secret') && !error.message.includes('nonsense'),
      );
    });
  }
});

describe('what the client launches the engine with', () => {
  const env = { DATABASE_URL: SOCKET, PRISMA_DML_PATH: '/s.prisma' };
  const argv = ['-p', '4567', '--enable-metrics', '--enable-raw-queries'];

  it('is a port, a schema and a database', () => {
    const settings = parseSettings(argv, env, MACHINE);
    assert.equal(settings.port, 4567);
    assert.equal(settings.socket, undefined);
    assert.equal(settings.datamodelPath, '/s.prisma');
    assert.equal(settings.database.host, '/run/gw');
  });

  it('may override the URL', () => {
    const overrides = JSON.stringify([{ name: 'client', url: 'postgresql://other@h/d' }]);
    const settings = parseSettings(argv, { ...env, OVERWRITE_DATASOURCES: overrides }, MACHINE);
    assert.equal(settings.database.user, 'other');
  });

  it('may name a socket instead of the port', () => {
    const settings = parseSettings(argv, { ...env, AI_GATEWAY_ENGINE_SOCKET: '/run/gw/e1.2' }, MACHINE);
    assert.equal(settings.socket, '/run/gw/e1.2');
  });

  it('may ask for the version alone', () => {
    assert.deepEqual(parseSettings(['--version'], {}, MACHINE), { version: true });
  });

  it('has to be complete', () => {
    assert.throws(() => parseSettings([], env, MACHINE), SettingError);
    assert.throws(() => parseSettings(['-p', 'x'], env, MACHINE), SettingError);
    assert.throws(() => parseSettings(argv, { PRISMA_DML_PATH: '/s' }, MACHINE), SettingError);
    assert.throws(() => parseSettings(argv, { DATABASE_URL: SOCKET }, MACHINE), SettingError);
    assert.throws(() => parseSettings(argv, { ...env, OVERWRITE_DATASOURCES: '{' }, MACHINE), SettingError);
  });
});
