// @ts-check
// The engine as a process, launched as the Python client launches it, and spoken to as it does.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const binary = process.env.ENGINE_TEST_BINARY ?? fileURLToPath(new URL('../../query-engine', import.meta.url));
/** The environment of an engine whose `state` may be asked for. */
export const WATCHED = { QUERY_ENGINE_NODE_OPTIONS: `--expose-gc --import=${new URL('./watch.mjs', import.meta.url)}` };
export const schema = fileURLToPath(new URL('./schema.prisma', import.meta.url));

/** A port that was free a moment ago, found as the client finds one. */
async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, () => done(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((done) => server.close(done));
  return port;
}

export class EngineProcess {
  output = '';
  /** @type {import('node:child_process').ChildProcessWithoutNullStreams} */
  child;
  /** @type {Promise<string | number | null>} */
  exited;
  /** @type {number} */
  port;
  /** @type {string | undefined} */
  socket;

  /** @param {string} url @param {{ launcher?: string[], env?: Record<string, string> }} [how] */
  static async start(url, { launcher = [], env = {} } = {}) {
    const engine = new EngineProcess();
    engine.socket = env.AI_GATEWAY_ENGINE_SOCKET;
    engine.port = await freePort();
    const [command, ...args] = [...launcher, binary, '-p', String(engine.port), '--enable-metrics', '--enable-raw-queries'];
    engine.child = spawn(command, args, {
      env: { PATH: process.env.PATH, DATABASE_URL: url, PRISMA_DML_PATH: schema, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [engine.child.stdout, engine.child.stderr]) {
      stream.on('data', (data) => {
        engine.output += data;
      });
    }
    engine.exited = new Promise((done) => engine.child.once('exit', (code, signal) => done(signal ?? code)));
    await engine.#untilReady();
    return engine;
  }

  #getFromSocket(path) {
    return new Promise((done, failed) => {
      const asked = get({ socketPath: this.socket, path }, (answer) => {
        answer.resume();
        answer.once('end', () => done({ ok: answer.statusCode === 200, status: answer.statusCode }));
      });
      asked.once('error', failed);
    });
  }

  async #untilReady() {
    for (let tries = 0; tries < 200; tries++) {
      const status = await this.get('/status').catch(() => null);
      if (status?.ok) return;
      await sleep(50);
    }
    throw new Error(`the engine does not answer: ${this.output}`);
  }

  get(path) {
    if (this.socket) return this.#getFromSocket(path);
    return fetch(`http://127.0.0.1:${this.port}${path}`);
  }

  post(path, body, headers = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return fetch(`http://127.0.0.1:${this.port}${path}`, { method: 'POST', body: text, headers });
  }

  /** The answer to one GraphQL document. */
  async query(query, transaction) {
    const headers = transaction ? { 'x-transaction-id': transaction } : {};
    return (await this.post('/', { query, variables: {} }, headers)).json();
  }

  raw(sql) {
    return this.query(`mutation { result: queryRaw(query: ${JSON.stringify(sql)}, parameters: "[]") }`);
  }

  /** What test/support/watch.mjs says of the process, which has to have been started with WATCHED. */
  async state() {
    const from = this.output.length;
    this.child.kill('SIGUSR2');
    for (;;) {
      const found = /^state (.*)\n/m.exec(this.output.slice(from));
      if (found) return JSON.parse(found[1]);
      await once(this.child.stdout, 'data');
    }
  }

  /** @param {NodeJS.Signals} signal */
  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    return this.exited;
  }
}
