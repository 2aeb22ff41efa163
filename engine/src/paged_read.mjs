// @ts-check
// One statement whose rows are taken page by page: a portal of PostgreSQL's extended protocol, as a
// "submittable" of `pg`, which calls its handle methods.
//
// Between two pages there is a round trip, so everybody else has a turn, and the rows of a page are
// handed on one by one as they arrive: nothing here keeps them. Whoever takes them says when to wait.
//
// The taker has
//   columns(fields)   once, before the first row; false stops the read, a promise is waited for
//   row(values)       each row as texts and nulls; what it throws stops the read
//   blocked           a promise while no further row is wanted, otherwise undefined

import pgUtils from 'pg/lib/utils.js';

const FIRST_PAGE_ROWS = 16;
const MOST_PAGE_ROWS = 512;
const PAGE_CHARACTERS = 64 * 1024;
const UNNAMED = '';

/** Where a read stands that the taker ended; `cause` is what it threw, if it did. */
class Stopped {
  constructor(cause) {
    this.cause = cause;
  }
}

export class PagedRead {
  #text;
  #values;
  #taker;
  #connection;
  #pageRows = FIRST_PAGE_ROWS;
  #page = { rows: 0, characters: 0 };
  #rows = 0;
  #queue;
  #ready;
  #stopped;
  #synced = false;
  #settle;

  constructor({ sql, args }, taker) {
    this.#text = sql;
    this.#values = args.map((value) => pgUtils.prepareValue(value));
    this.#taker = taker;
    /** How many rows there were; rejects with the database's error or with what the taker threw. */
    this.done = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  submit(connection) {
    this.#connection = connection;
    connection.stream.cork();
    try {
      connection.parse({ text: this.#text, name: UNNAMED });
      connection.bind({ portal: UNNAMED, statement: UNNAMED, values: this.#values, valueMapper: (value) => value });
      connection.describe({ type: 'P', name: UNNAMED });
      this.#execute();
    } finally {
      connection.stream.uncork();
    }
    this.#values = undefined;
    return null;
  }

  #execute() {
    this.#page = { rows: 0, characters: 0 };
    this.#connection.execute({ portal: UNNAMED, rows: this.#pageRows });
    this.#connection.flush();
  }

  handleRowDescription({ fields }) {
    const answer = this.#guard(() => this.#taker.columns(fields));
    if (!(answer instanceof Promise)) {
      if (answer === false) this.#stop();
      return;
    }
    // Rows that are on their way already, a page at most, wait for it.
    this.#queue = [];
    this.#ready = answer.then(
      (wanted) => wanted !== false || this.#stop(),
      (error) => this.#stop(error),
    ).then(() => {
      const queue = this.#queue;
      this.#queue = undefined;
      for (const values of queue) this.#give(values);
    });
  }

  handleDataRow({ fields }) {
    this.#rows++;
    this.#page.rows++;
    if (this.#queue) this.#queue.push(fields);
    else this.#give(fields);
  }

  #give(values) {
    if (this.#stopped) return;
    for (const value of values) this.#page.characters += value?.length ?? 0;
    this.#guard(() => this.#taker.row(values));
    const { blocked } = this.#taker;
    const { stream } = this.#connection;
    if (blocked && !stream.isPaused()) {
      stream.pause();
      blocked.then(() => stream.resume());
    }
  }

  #guard(step) {
    try {
      return step();
    } catch (error) {
      this.#stop(error);
      return undefined;
    }
  }

  #stop(cause) {
    this.#stopped ??= new Stopped(cause);
  }

  /** Whether this is what the taker threw. */
  isTakers(error) {
    return error !== undefined && this.#stopped?.cause === error;
  }

  async handlePortalSuspended() {
    await this.#ready;
    await this.#taker.blocked;
    if (this.#synced) return;
    if (this.#stopped) {
      this.#end();
      return;
    }
    const each = Math.max(1, this.#page.characters / this.#page.rows);
    this.#pageRows = Math.max(1, Math.min(MOST_PAGE_ROWS, Math.floor(PAGE_CHARACTERS / each)));
    this.#execute();
  }

  async handleCommandComplete() {
    await this.#ready;
    this.#end();
  }

  handleEmptyQuery() {
    this.#end();
  }

  /** Ends the portal. Outside a transaction, this is what commits; or undoes, when that is asked for. */
  #end() {
    if (this.#synced) return;
    const connection = this.#connection;
    connection.stream.cork();
    if (this.#stopped?.cause?.undo) {
      connection.parse({ text: 'ROLLBACK', name: UNNAMED });
      connection.bind({ portal: UNNAMED, statement: UNNAMED, values: [] });
      connection.execute({ portal: UNNAMED, rows: 0 });
    }
    this.#sync();
    connection.stream.uncork();
  }

  #sync() {
    if (this.#synced) return;
    this.#synced = true;
    this.#connection.sync();
  }

  handleReadyForQuery() {
    const { cause } = this.#stopped ?? {};
    if (cause) this.#settle.reject(cause);
    else this.#settle.resolve(this.#rows);
  }

  /** PostgreSQL's answer, or the loss of the connection. */
  handleError(error, connection) {
    if (connection && typeof error.severity === 'string') this.#sync();
    this.#settle.reject(error);
  }

  handleCopyInResponse(connection) {
    connection.sendCopyFail('no rows are sent');
  }

  handleCopyData() {}
}
