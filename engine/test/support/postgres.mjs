// @ts-check
// A PostgreSQL of its own for a test file: a scratch cluster in a temporary folder, reached by a
// Unix socket only. PostgreSQL refuses to run as root, so a root test runs it as somebody else.

import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';

const PACKAGED = '/usr/lib/postgresql';
export const PASSWORD = 'correct horse';

/** Where initdb and postgres are: Debian's newest, otherwise PATH. */
function binary(name) {
  if (!existsSync(PACKAGED)) return name;
  const newest = readdirSync(PACKAGED).sort((a, b) => Number(a) - Number(b)).at(-1);
  return join(PACKAGED, String(newest), 'bin', name);
}

/** Somebody who may run PostgreSQL: ourselves, unless we are root. */
function owner() {
  if (process.getuid?.() !== 0) return {};
  const passwd = readFileSync('/etc/passwd', 'utf8');
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+):/m.exec(passwd) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

export class Postgres {
  #data;
  /** @type {import('node:child_process').ChildProcess | null} */
  #server = null;
  #owner = owner();

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'engine-pg-'));
    if (this.#owner.uid) chownSync(this.folder, this.#owner.uid, this.#owner.gid);
    this.#data = join(this.folder, 'data');
    const passwordFile = join(this.folder, 'password');
    writeFileSync(passwordFile, PASSWORD);
    execFileSync(
      binary('initdb'),
      ['-D', this.#data, '-U', 'gateway', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync', '-E', 'UTF8', '--locale=C'],
      { ...this.#owner, cwd: this.folder, stdio: ['ignore', 'ignore', 'inherit'] },
    );
  }

  /** Runs the server until `stop`; the zone is set so that a test notices who forgets UTC. */
  async start() {
    this.#server = spawn(
      binary('postgres'),
      ['-D', this.#data, '-k', this.folder, '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'timezone=America/St_Johns', '-c', 'max_connections=40'],
      { ...this.#owner, cwd: this.folder, stdio: 'ignore' },
    );
    for (let tries = 0; ; tries++) {
      try {
        await this.sql('select 1');
        return;
      } catch (error) {
        if (tries > 300) throw error;
        await sleep(50);
      }
    }
  }

  /**
   * The fast shutdown (SIGINT), or what an operator's accident looks like.
   * @param {NodeJS.Signals} signal
   */
  async stop(signal = 'SIGINT') {
    const server = this.#server;
    if (!server) return;
    const gone = new Promise((done) => server.once('exit', done));
    server.kill(signal);
    await gone;
    this.#server = null;
  }

  async remove() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** As the engine gets it, with Prisma's own parameters. */
  url(parameters = 'connection_limit=4', database = 'postgres') {
    const password = encodeURIComponent(PASSWORD);
    return `postgresql://gateway:${password}@localhost/${database}?host=${this.folder}&${parameters}`;
  }

  /** Runs SQL beside the engine. */
  async sql(text, values, database = 'postgres') {
    const client = new pg.Client({ host: this.folder, user: 'gateway', password: PASSWORD, database });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(text, values)).rows;
    } finally {
      await client.end();
    }
  }
}
