// @ts-check
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../generate', import.meta.url));
const schema = fileURLToPath(new URL('./support/schema.prisma', import.meta.url));
const run = (...args) => spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });

it('says how it is used', () => {
  for (const args of [[], ['--python', 'x'], ['--what']]) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2);
    assert.match(stderr, /^usage: generate --python/);
  }
});

it('says what failed: the schema, the Python or the generator in it', () => {
  /** @type {[string[], RegExp][]} */
  const failures = [
    [['--python', '/bin/true', '--schema', '/nowhere.prisma'], /nowhere\.prisma/],
    [['--python', '/bin/true', '--schema', command], /provider "prisma-client-py"|error/i],
    [['--python', '/nowhere/python', '--schema', schema], /cannot run \/nowhere\/python/],
    [['--python', '/bin/true', '--schema', schema], /ended \(0\) before it answered getManifest/],
  ];
  for (const [args, reason] of failures) {
    const { status, stderr } = run(...args);
    assert.equal(status, 1, stderr);
    assert.match(stderr, reason);
  }
});
