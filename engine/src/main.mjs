// @ts-check
// The process: starts the engine, serves until it is told to stop or its parent is gone, and
// leaves nothing behind.

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { parseDatamodel } from './datamodel.mjs';
import { Engine } from './engine.mjs';
import { Pool } from './pool.mjs';
import { Protocol } from './protocol.mjs';
import { Server } from './server.mjs';
import { parseSettings, SettingError } from './settings.mjs';
import { ENGINE_COMMIT } from './version.mjs';

// `localhost`, which the client connects to, is both: a stranger on the one that we leave free
// would be taken for us.
const ADDRESSES = ['127.0.0.1', '::1'];
const NO_SUCH_ADDRESS = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);
const PARENT_CHECK_MILLISECONDS = 1000;
const DRAIN_MILLISECONDS = 5000;
const DRAIN_CHECK_MILLISECONDS = 20;
const EXIT_FAILED = 1;
const EXIT_CONFIGURATION = 78;

/** One line of JSON on standard error; never a query, its values or a URL. */
function log(level, message, fields = {}) {
  process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
}

async function listen(server, { socket, port }) {
  if (socket) {
    await server.listen({ path: socket });
    return;
  }
  for (const host of ADDRESSES) {
    try {
      await server.listen({ port, host });
    } catch (error) {
      if (!NO_SUCH_ADDRESS.has(error.code)) throw error;
    }
  }
}

async function serve(settings) {
  // Prisma's own engine is called so, and LiteLLM looks for orphans by that name.
  process.title = 'query-engine';
  // Whoever may write to its socket may ask it.
  process.umask(0o077);
  const datamodel = readFileSync(settings.datamodelPath, 'utf8');
  const pool = new Pool(settings.database, log);
  const engine = new Engine(datamodel, pool);
  await engine.connect();
  const protocol = new Protocol(parseDatamodel(datamodel));
  const server = new Server(engine, protocol, { uid: process.getuid?.(), log });
  await listen(server, settings);
  await untilToldToStop();
  await stop(server, engine, pool);
}

/** A signal, or the death of whoever started us: then nobody is left to stop us. */
async function untilToldToStop() {
  const parent = process.ppid;
  await new Promise((resolve) => {
    const done = () => resolve(undefined);
    process.on('SIGTERM', done);
    process.on('SIGINT', done);
    setInterval(() => process.ppid === parent || done(), PARENT_CHECK_MILLISECONDS);
  });
}

/** Lets what is under way end, for a while; PostgreSQL rolls back what does not. */
async function stop(server, engine, pool) {
  server.close();
  for (let left = DRAIN_MILLISECONDS; left > 0; left -= DRAIN_CHECK_MILLISECONDS) {
    if (server.inFlight === 0 && engine.openTransactions === 0) break;
    await sleep(DRAIN_CHECK_MILLISECONDS);
  }
  server.hangUp();
  await pool.close();
  process.exit(0);
}

/** The core is not to be trusted after it panicked: LiteLLM starts another engine. */
function dieOfWhatNobodyExpects() {
  process.on('uncaughtException', (error) => {
    log('error', 'the engine failed and ends', { error: error.message });
    process.exit(EXIT_FAILED);
  });
}

export async function main(argv, env) {
  dieOfWhatNobodyExpects();
  try {
    const settings = parseSettings(argv, env, { cpus: os.availableParallelism?.() ?? os.cpus().length });
    if (settings.version) console.log(`query-engine ${ENGINE_COMMIT}`);
    else await serve(settings);
  } catch (error) {
    log('error', error.message);
    process.exit(error instanceof SettingError ? EXIT_CONFIGURATION : EXIT_FAILED);
  }
}
