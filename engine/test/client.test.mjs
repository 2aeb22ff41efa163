// @ts-check
// The engine under the real prisma-client-py with LiteLLM's generated client and LiteLLM's tables.
// ENGINE_TEST_PYTHON names the Python of an environment made from locks/litellm.txt; the client is
// generated into it.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { migrate } from './support/migrations.mjs';
import { PASSWORD, Postgres } from './support/postgres.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const engine = join(here, '..', 'query-engine');
const generate = join(here, '..', 'generate');
const suite = join(here, 'client', 'suite.py');

/** Runs the Python suite; its outcomes by the tests' names. `folder` is the one of the engine's socket, if any. */
async function outcomes(python, url, folder) {
  const env = { ...process.env, PRISMA_QUERY_ENGINE_BINARY: engine, DATABASE_URL: url };
  const child = spawn(python, ['-B', suite, ...folder], { env, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
  const found = new Map();
  for await (const line of createInterface({ input: child.stdout })) {
    const outcome = JSON.parse(line);
    found.set(outcome.test, outcome);
  }
  return found;
}

for (const way of ['a port', 'a socket']) describe(`prisma-client-py by ${way}`, async () => {
  const python = process.env.ENGINE_TEST_PYTHON;
  if (!python) {
    it('has an environment to run in', () => assert.fail('ENGINE_TEST_PYTHON is not set'));
    return;
  }
  const script = 'import sysconfig; print(sysconfig.get_path("purelib"))';
  const sitePackages = execFileSync(python, ['-c', script], { encoding: 'utf8' }).trim();
  let postgres;
  let results = new Map();

  before(async () => {
    const schema = join(sitePackages, 'litellm', 'proxy', 'schema.prisma');
    execFileSync(generate, ['--python', python, '--schema', schema], { stdio: ['ignore', 'ignore', 'inherit'] });
    postgres = new Postgres();
    await postgres.start();
    await migrate(sitePackages, { host: postgres.folder, user: 'gateway', password: PASSWORD, database: 'postgres' });
    results = await outcomes(python, postgres.url(), way === 'a socket' ? [postgres.folder] : []);
  });

  after(() => postgres?.remove());

  for (const [, name] of readFileSync(suite, 'utf8').matchAll(/^async def (test_\w+)/gm)) {
    it(name.slice('test_'.length).replaceAll('_', ' '), () => {
      const outcome = results.get(name);
      assert.ok(outcome, 'the suite ended before it came to this test');
      assert.ok(outcome.ok, outcome.why);
    });
  }
});
