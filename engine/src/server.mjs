// @ts-check
// The HTTP that prisma-client-py speaks to a query engine:
//
//   GET  /status                     {"status":"ok"}, as soon as requests are served
//   POST /                           a query, or {"batch": […], "transaction": true};
//                                    in the transaction of X-transaction-id, if there is one
//   POST /transaction/start          {"max_wait", "timeout"} in milliseconds -> {"id"}
//   POST /transaction/ID/commit      {}
//   POST /transaction/ID/rollback    {}
//
// What fails is answered with 200 and `errors`: the client makes its exceptions of that, and only
// a blunt error of its own of any other status.

import { createServer } from 'node:http';

import { TransactionFailed } from './engine.mjs';
import { errorBody } from './errors.mjs';
import { peerUid } from './peer.mjs';
import { BadRequest } from './protocol.mjs';
import { ClientGone, send, StreamedAnswer } from './streamed_answer.mjs';

const TRANSACTION = /^\/transaction\/([^/]+)\/(commit|rollback)$/;
const DEFAULT_MAX_WAIT_MILLISECONDS = 2000;
const DEFAULT_TIMEOUT_MILLISECONDS = 5000;
// Longer than the client keeps a connection: whoever closes first must not be us, or the client
// sends its next request into a closed connection.
const KEEP_ALIVE_MILLISECONDS = 120_000;

// Connections that may wait while the engine is busy: as many as the client makes. A full queue of a Unix
// socket refuses, where TCP would wait.
const QUEUE = 1024;

// Ten thousand names to look for or a hundred rows to write: a tenth of a second of the core's.
const LARGE_BODY = 128 * 1024;

class NotFound extends Error {}

async function bytes(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const body = async (request) => parsed(await bytes(request));

function parsed(buffer) {
  try {
    return JSON.parse(buffer.toString('utf8'));
  } catch {
    throw new BadRequest('the request is not JSON');
  }
}

export class Server {
  #engine;
  #protocol;
  #servers = [];
  #peers = new WeakMap();
  #inFlight = 0;
  #uid;
  #log;

  constructor(engine, protocol, { uid, log }) {
    this.#engine = engine;
    this.#protocol = protocol;
    this.#uid = uid;
    this.#log = log;
  }

  /** Requests that are being answered. */
  get inFlight() {
    return this.#inFlight;
  }

  /**
   * Serves on one address, `{ port, host }` or `{ path }`; a client of another user is hung up on. A
   * socket with a path is nobody else's by its mode.
   */
  async listen(address) {
    const server = createServer((request, answer) => this.#serve(request, answer));
    server.keepAliveTimeout = KEEP_ALIVE_MILLISECONDS;
    // A slow transaction is the client's business.
    server.requestTimeout = 0;
    server.on('connection', (socket) => {
      this.#peers.set(socket, address.path ? this.#uid : peerUid(socket));
      if (!address.path) socket.setNoDelay(true);
    });
    await new Promise((done, failed) => {
      server.once('error', failed);
      server.listen({ ...address, backlog: QUEUE }, () => done(undefined));
    });
    this.#servers.push(server);
  }

  /** Takes no new connections; those that are open end with their current request. */
  close() {
    for (const server of this.#servers) server.close();
  }

  /** Hangs up on whoever is left. */
  hangUp() {
    for (const server of this.#servers) server.closeAllConnections();
  }

  async #serve(request, answer) {
    this.#inFlight++;
    answer.once('close', () => {
      this.#inFlight--;
    });
    if ((await this.#peers.get(request.socket)) !== this.#uid) {
      request.socket.destroy();
      return;
    }
    const failure = await this.#answer(request, answer);
    if (failure === undefined) return;
    if (answer.headersSent) answer.destroy();
    else send(answer, failure.status, JSON.stringify(failure.payload));
  }

  /** Answers, or says with what failure to. */
  async #answer(request, answer) {
    try {
      await this.#route(request, answer);
      return undefined;
    } catch (error) {
      if (error instanceof TransactionFailed) {
        const { meta, message } = error.userFacing;
        // The client tells an expired transaction by how `error` begins.
        return { status: 200, payload: { errors: [{ error: meta?.error ?? message, user_facing_error: error.userFacing }] } };
      }
      if (error instanceof NotFound) return { status: 404, payload: {} };
      if (error instanceof BadRequest) return { status: 200, payload: { errors: [errorBody('P2009', error.message)] } };
      if (error instanceof ClientGone) return undefined;
      // The engine's core cannot be used after it panicked.
      if (error instanceof WebAssembly.RuntimeError) throw error;
      this.#log('error', 'a request failed for a reason of ours', { error: error.message });
      return { status: 500, payload: { message: error.message } };
    }
  }

  async #route(request, answer) {
    const path = request.url.split('?', 1)[0];
    if (request.method === 'POST' && path === '/') await this.#query(request, answer);
    else send(answer, 200, JSON.stringify(await this.#other(request, path)));
  }

  async #other(request, path) {
    const { method } = request;
    if (method === 'GET' && path === '/status') return { status: 'ok' };
    if (method !== 'POST') throw new NotFound();
    if (path === '/transaction/start') return this.#start(await body(request));
    const [, id, verb] = TRANSACTION.exec(path) ?? [];
    if (verb === 'commit') await this.#engine.commitTransaction(id);
    else if (verb === 'rollback') await this.#engine.rollbackTransaction(id);
    else throw new NotFound();
    return {};
  }

  async #query(request, answer) {
    const transaction = request.headers['x-transaction-id'];
    const streamed = new StreamedAnswer(answer);
    const buffer = await bytes(request);
    if (buffer.length > LARGE_BODY && transaction === undefined) await this.#engine.queryLarge(buffer, streamed);
    else await this.#engine.query(this.#protocol.translate(parsed(buffer)), transaction, streamed);
  }

  async #start(options) {
    const id = await this.#engine.startTransaction({
      maxWait: options.max_wait ?? DEFAULT_MAX_WAIT_MILLISECONDS,
      timeout: options.timeout ?? DEFAULT_TIMEOUT_MILLISECONDS,
      isolationLevel: options.isolation_level ?? undefined,
    });
    return { id };
  }
}
