// @ts-check
// LiteLLM's own tables, from the migrations in a Python environment, in the order of their names.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import pg from 'pg';

export async function migrate(sitePackages, connection) {
  const folder = join(sitePackages, 'litellm_proxy_extras', 'migrations');
  const client = new pg.Client(connection);
  await client.connect();
  for (const name of readdirSync(folder).sort()) {
    if (!name.includes('_') || name.endsWith('.toml')) continue;
    await client.query(readFileSync(join(folder, name, 'migration.sql'), 'utf8'));
  }
  await client.end();
}
