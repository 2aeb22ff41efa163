// @ts-check
// Prisma's query engine: what it takes to talk to its core, and who does what. Three cores share the
// wasm memory of this thread: one that runs whatever a request says, one that runs reads as long as
// they are small, and the planner's, which runs nothing. What is large goes to a thread of its own
// (heavy.mjs), but for what is in an interactive transaction, whose state is in the first core.
//
// Requests are in Prisma's "JSON protocol", see protocol.mjs for what the Python client speaks instead;
// answers are JSON text for the client. What is read and only passed on goes past the core (reads.mjs).

import { clientAnswer } from './answers.mjs';
import { compile, makeCore } from './core.mjs';
import { parseColumns } from './datamodel.mjs';
import { errorBody, mend, mendReport, Overgrown } from './errors.mjs';
import { Heavy } from './heavy.mjs';
import { Planner } from './planner.mjs';
import { Reads } from './reads.mjs';

const NO_TRACE = '{}';

const READS = /^(find|aggregate|groupBy)/;
const TRANSACTION_ID = /^[a-z0-9]{24,40}$/;
const NOT_IN_TIME = transactionError('Unable to start a transaction in the given time.');
const NOT_FOUND = transactionError(
  "Transaction not found. Transaction ID is invalid, refers to an old closed transaction Prisma doesn't have information about anymore, or was obtained before disconnecting.",
);

/** A transaction request that failed; the answer carries it as the native engine does. */
export class TransactionFailed extends Error {
  constructor(userFacing) {
    super(userFacing.message);
    this.userFacing = userFacing;
  }
}

export class Engine {
  #core;
  #readingCore;
  #heavy;
  #planner;
  #reads;
  #pool;
  #open = new Set();
  #mend = (report) => mendReport(report, this.#pool.registry);

  constructor(datamodel, pool) {
    const module = compile();
    const core = makeCore(module, datamodel);
    this.#core = core(pool.adapter);
    this.#readingCore = core(pool.readingAdapter);
    this.#planner = new Planner(core, pool.schemaName);
    this.#reads = new Reads(this.#planner, pool, parseColumns(datamodel));
    this.#heavy = new Heavy({ module, datamodel, schemaName: pool.schemaName }, pool);
    this.#pool = pool;
  }

  /** Reads the schema; the database is not asked for anything yet. */
  async connect() {
    for (const core of [this.#core, this.#readingCore, this.#planner]) await core.connect(NO_TRACE);
  }

  async disconnect() {
    await this.#core.disconnect(NO_TRACE);
  }

  /** Interactive transactions that have begun and not ended. */
  get openTransactions() {
    return this.#open.size;
  }

  /** Runs a request, or a batch of them, in the named transaction or in none, and answers it. */
  async query(request, transactionId, answer) {
    if (transactionId !== undefined) checkTransactionId(transactionId);
    if (this.#reads.takes(request)) {
      const transaction = transactionId === undefined ? undefined : await this.#transaction(transactionId);
      const isKnown = transaction !== undefined || transactionId === undefined;
      if (isKnown && (await this.#reads.answer(request, transaction, answer, this.#mend))) return;
    }
    if (transactionId === undefined && READS.test(request.action)) {
      await this.#read(request, answer);
      return;
    }
    const text = await this.#core.query(JSON.stringify(request), NO_TRACE, transactionId);
    answer.write(clientAnswer(text, request, this.#mend));
    answer.end();
  }

  /** Answers the body of a large request, which is not in a transaction. */
  queryLarge(body, answer) {
    return this.#heavy.answer({ body }, answer);
  }

  /** A read in no transaction whose rows the core has to see; if there are many, it is begun anew elsewhere. */
  async #read(request, answer) {
    let overgrown = false;
    const text = await this.#readingCore.query(JSON.stringify(request), NO_TRACE, undefined);
    const written = clientAnswer(text, request, (report) => {
      const mended = this.#mend(report);
      overgrown ||= mended.user_facing_error.error_code === Overgrown.CODE;
      return mended;
    });
    if (overgrown) {
      await this.#heavy.answer({ request }, answer);
      return;
    }
    answer.write(written);
    answer.end();
  }

  /** Of an open transaction, its connection; undefined leaves it to the core to say what is wrong. */
  #transaction(id) {
    return this.#pool.meaning(async (sql) => {
      const request = { action: 'queryRaw', query: { arguments: { query: sql, parameters: '[]' }, selection: {} } };
      await this.#core.query(JSON.stringify(request), NO_TRACE, id);
    });
  }

  /** Its name. `maxWait` and `timeout` are milliseconds. */
  async startTransaction({ maxWait, timeout, isolationLevel }) {
    // The wasm core asks for `max_wait` and does not heed it: it waits as long as the pool does.
    const options = { max_wait: maxWait, timeout, isolation_level: isolationLevel };
    const begun = this.#ended(this.#core.startTransaction(JSON.stringify(options), NO_TRACE));
    const id = await inTime(begun.then((answer) => answer.id), maxWait);
    if (id === undefined) {
      // Whoever waited is told now; the transaction ends as soon as it has begun.
      begun.then((answer) => this.#core.rollbackTransaction(answer.id, NO_TRACE)).catch(() => {});
      throw new TransactionFailed(NOT_IN_TIME);
    }
    this.#open.add(id);
    setTimeout(() => this.#open.delete(id), timeout).unref();
    return id;
  }

  async commitTransaction(id) {
    checkTransactionId(id);
    this.#open.delete(id);
    await this.#ended(this.#core.commitTransaction(id, NO_TRACE));
  }

  async rollbackTransaction(id) {
    checkTransactionId(id);
    this.#open.delete(id);
    await this.#ended(this.#core.rollbackTransaction(id, NO_TRACE));
  }

  async #ended(pending) {
    const answer = JSON.parse(await pending);
    if (answer.error_code || answer.message) throw new TransactionFailed(mend(answer, this.#pool.registry));
    return answer;
  }
}

/** The core panics at a name that it cannot have given out. */
function checkTransactionId(id) {
  if (!TRANSACTION_ID.test(id)) throw new TransactionFailed(NOT_FOUND);
}

function transactionError(reason) {
  return errorBody('P2028', `Transaction API error: ${reason}`, { error: reason }).user_facing_error;
}

/** What a promise gives, or undefined when the time is up first. */
async function inTime(promise, milliseconds) {
  let timer;
  const late = new Promise((done) => {
    timer = setTimeout(done, milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
