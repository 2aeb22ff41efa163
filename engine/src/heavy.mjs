// @ts-check
// Work that keeps a processor busy for longer than others can wait, in a thread of its own
// (heavy_worker.mjs): requests that are large, and reads whose rows Prisma's core has to see and that
// turn out to be many. The thread has a core, and this one its connections: rows go there page by page,
// and its answer comes back in pieces. It begins with the first such request and ends when there has
// been none for a while, and with it the memory that it took.

import { Worker } from 'node:worker_threads';

import { DatabaseUnavailable } from './errors.mjs';
import { databaseAnswer } from './pool.mjs';
import { BadRequest } from './protocol.mjs';

const IDLE_MILLISECONDS = 20_000;
const PAGE_CHARACTERS = 64 * 1024;

/** The thread has failed; whether what was asked has been done is not known. */
export class ThreadFailed extends Error {}

export class Heavy {
  #settings;
  #pool;
  #worker;
  #jobs = new Map();
  #transactions = new Map();
  #acknowledged = new Map();
  #next = 0;
  #idle;

  /** `settings` is what the thread has to know: the wasm module, the schema and its name. */
  constructor(settings, pool) {
    this.#settings = settings;
    this.#pool = pool;
  }

  /**
   * Answers the body of a request as it came, or a request of the JSON protocol.
   * @param {{ body?: Uint8Array, request?: object }} asked
   */
  answer({ body, request }, answer) {
    clearTimeout(this.#idle);
    this.#worker ??= this.#begin();
    const id = this.#next++;
    const done = new Promise((resolve, reject) => this.#jobs.set(id, { answer, resolve, reject }));
    const copy = body && new Uint8Array(body);
    this.#worker.postMessage({ id, body: copy, request }, copy ? [copy.buffer] : []);
    return done.finally(() => {
      this.#jobs.delete(id);
      if (this.#jobs.size > 0) return;
      this.#idle = setTimeout(() => this.#end(), IDLE_MILLISECONDS);
      this.#idle.unref();
    });
  }

  #begin() {
    const worker = new Worker(new URL('./heavy_worker.mjs', import.meta.url), { workerData: this.#settings });
    worker.unref();
    worker.on('message', (message) => {
      if (message.call !== undefined) this.#call(worker, message);
      else if (message.acknowledge !== undefined) this.#acknowledged.get(message.acknowledge)?.();
      else this.#piece(worker, message);
    });
    worker.on('error', (error) => this.#failed(worker, error));
    worker.on('exit', () => this.#failed(worker, new Error('it ended')));
    return worker;
  }

  #end() {
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.terminate();
  }

  /** What it had in hand is lost: its transactions are rolled back, those who wait are told. */
  #failed(worker, cause) {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const acknowledge of this.#acknowledged.values()) acknowledge();
    for (const transaction of this.#transactions.values()) transaction.abandon();
    this.#transactions.clear();
    for (const { reject } of this.#jobs.values()) reject(new ThreadFailed(`the thread for heavy work failed: ${cause.message}`, { cause }));
  }

  /** A piece of an answer; the next one is asked for when the client has room. */
  async #piece(worker, { id, piece, last, badRequest }) {
    const job = this.#jobs.get(id);
    if (!job) return;
    try {
      if (badRequest !== undefined) throw new BadRequest(badRequest);
      job.answer.write(piece);
      if (last) {
        job.answer.end();
        job.resolve();
        return;
      }
      if (job.answer.isFull) job.answer.begin();
      await job.answer.blocked;
      worker.postMessage({ id, more: true });
    } catch (error) {
      worker.postMessage({ id, more: false });
      job.reject(error);
    }
  }

  /** What the thread's core asks of the database. */
  async #call(worker, { call, method, transaction, query }) {
    let reply;
    try {
      reply = { value: await this.#run(worker, call, method, transaction, query) };
    } catch (error) {
      reply = { error: plain(error) };
    }
    worker.postMessage({ reply: call, ...reply });
  }

  async #run(worker, call, method, name, query) {
    if (method === 'startTransaction') {
      const transaction = await this.#pool.begin();
      this.#transactions.set(call, transaction);
      return call;
    }
    const transaction = this.#transactions.get(name);
    if (method === 'end') {
      this.#transactions.delete(name);
      await transaction.commit();
      return undefined;
    }
    const source = transaction ?? this.#pool;
    if (method === 'executeRaw') return (await source.run(query)).rowCount ?? 0;
    return this.#rows(worker, call, source, query);
  }

  async #rows(worker, call, source, query) {
    let columns;
    let page = [];
    let characters = 0;
    const taker = {
      /** @type {Promise<void> | undefined} */
      blocked: undefined,
      columns(fields) {
        columns = fields.map(({ name, dataTypeID }) => ({ name, dataTypeID }));
      },
      row: (values) => {
        page.push(values);
        for (const value of values) characters += value?.length ?? 0;
        if (characters < PAGE_CHARACTERS) return;
        worker.postMessage({ page, of: call });
        page = [];
        characters = 0;
        taker.blocked = new Promise((done) => this.#acknowledged.set(call, done)).then(() => {
          taker.blocked = undefined;
          this.#acknowledged.delete(call);
        });
      },
    };
    await source.read(query, taker);
    worker.postMessage({ page, of: call });
    return { fields: columns ?? [] };
  }
}

/** A failure as it can be sent to the thread. */
function plain(error) {
  if (!(error instanceof DatabaseUnavailable)) return { failure: databaseAnswer(error) };
  const { code, message, meta } = error;
  return { unavailable: { code, message, meta } };
}
