// @ts-check
// Connections to PostgreSQL as a "driver adapter", the door through which Prisma's wasm engine
// reaches a database. Written on `pg` rather than on @prisma/adapter-pg, whose 5.17 fails on
// column types that it does not list, misreads time zones, gives a broken connection back to the
// pool and keeps every error for ever.
//
// Every method answers with a result, never by throwing: `{ ok, value }` or `{ ok, error }`. An
// error of the database goes through the core, which knows its SQLSTATEs; any other is put into
// the registry and goes through as a number.

import pg from 'pg';

import { columnType, read, readers } from './columns.mjs';
import {
  connectionLost,
  connectionRefused,
  DatabaseUnavailable,
  ErrorRegistry,
  isDatabaseAnswer,
  Overgrown,
  poolExhausted,
} from './errors.mjs';
import { PagedRead } from './paged_read.mjs';
import { describe, unknownTypes } from './raw_values.mjs';

// Columns without a zone hold UTC, because Prisma writes them so: `now()` has to agree.
const SESSION = '-c TimeZone=UTC -c DateStyle=ISO -c bytea_output=hex -c lc_monetary=C -c client_min_messages=error';
const IN_NO_TRANSACTION = 'I';

// What the core runs to say which transaction it means; it is answered here (see `meaning`).
const MARK = /^select 'engine transaction (\d+)'$/;
const TYPES = `
  select t.oid::int8::text as oid, t.typtype, t.typname, n.nspname,
    case when e.oid is not null then json_build_object('typtype', e.typtype, 'typname', e.typname) end as element
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
    left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
  where t.oid = any($1::oid[])`;

const BOUND_CHARACTERS = 256 * 1024;

const ok = (value) => ({ ok: true, value });

/** What the core is handed: it calls methods without their object. */
function bound(object, ...methods) {
  const door = { provider: 'postgres', adapterName: 'pg', options: { usePhantomQuery: false } };
  for (const name of ['queryRaw', 'executeRaw', ...methods]) door[name] = object[name].bind(object);
  return door;
}

/** Answers the core's two kinds of statement; `run` is where they are run. */
class Queryable {
  constructor(registry) {
    this.registry = registry;
  }

  async queryRaw(query) {
    return this.answer(async () => {
      const { fields, rows } = await this.run(query);
      return {
        columnNames: fields.map(({ name }) => name),
        columnTypes: fields.map(({ dataTypeID }) => columnType(dataTypeID)),
        rows,
      };
    });
  }

  async executeRaw(query) {
    return this.answer(async () => (await this.run(query)).rowCount ?? 0);
  }

  /**
   * Runs a statement, where this one's are run.
   * @returns {Promise<{ fields: any[], rows: any[], rowCount?: number | null }>}
   */
  async run(_query) {
    throw new Error('each kind of them says where');
  }

  async answer(work) {
    try {
      return ok(await work());
    } catch (error) {
      return { ok: false, error: this.describe(error) };
    }
  }

  /** A failure as the core takes it. */
  describe(error) {
    return databaseAnswer(error) ?? { kind: 'GenericJs', id: this.registry.put(error) };
  }
}

/** PostgreSQL's answer about a statement as the core takes it; undefined for any other failure. */
export function databaseAnswer(error) {
  if (error instanceof DatabaseUnavailable || !isDatabaseAnswer(error)) return undefined;
  const { code, severity, message, detail, column, hint } = error;
  return { kind: 'Postgres', code, severity, message, detail, column, hint };
}

/** Reads of the core's own, up to a size: what is larger is no work for the thread that serves. */
class BoundedReads extends Queryable {
  #pool;

  constructor(pool) {
    super(pool.registry);
    this.#pool = pool;
  }

  async run(query) {
    let fields = [];
    let characters = 0;
    const rows = [];
    await this.#pool.read(query, {
      columns(found) {
        fields = found;
      },
      row(values) {
        for (const value of values) characters += value?.length ?? 0;
        if (characters > BOUND_CHARACTERS) throw new Overgrown();
        rows.push(values.map((text, at) => (text === null ? null : read(fields[at].dataTypeID, text))));
      },
    });
    return { fields, rows, rowCount: rows.length };
  }
}

/** Runs one statement; a lost connection is told apart from a statement that failed. */
async function runOn(client, { sql, args }) {
  const values = args.map(nodeBuffers);
  try {
    return await client.query({ text: sql, values, rowMode: 'array', queryMode: 'extended', types: readers });
  } catch (error) {
    if (isDatabaseAnswer(error)) throw error;
    throw connectionLost(error);
  }
}

/** Runs one statement whose rows are handed to a taker, see PagedRead. */
async function readOn(client, query, taker) {
  const read = new PagedRead({ sql: query.sql, args: query.args.map(nodeBuffers) }, taker);
  client.query(read);
  try {
    return await read.done;
  } catch (error) {
    if (read.isTakers(error) || isDatabaseAnswer(error)) throw error;
    throw connectionLost(error);
  }
}

/** `pg` sends bytes inside an array right only as its own kind of buffer. */
function nodeBuffers(value) {
  if (!Array.isArray(value)) return value;
  return value.map((item) => (ArrayBuffer.isView(item) ? Buffer.from(item.buffer, item.byteOffset, item.byteLength) : item));
}

/** A connection of the pool, from `startTransaction` to COMMIT or ROLLBACK. */
class Transaction extends Queryable {
  #client;
  #release;
  #marks;

  constructor(registry, client, release, marks) {
    super(registry);
    this.#client = client;
    this.#release = release;
    this.#marks = marks;
  }

  async run(query) {
    const mark = MARK.exec(query.sql);
    if (!mark) return runOn(this.#client, query);
    this.#marks.get(Number(mark[1]))?.(this);
    return { fields: [], rows: [] };
  }

  /** Runs a statement in it, behind what is under way in it. */
  read(query, taker) {
    return readOn(this.#client, query, taker);
  }

  /** Drops its connection, and so rolls back. */
  abandon() {
    this.#release(true);
  }

  // The core has sent COMMIT or ROLLBACK by itself when it calls these.
  async commit() {
    this.#release();
    return ok(undefined);
  }

  async rollback() {
    this.#release();
    return ok(undefined);
  }
}

function poolOptions(database) {
  // The pool knows one time limit for two things: waiting for a connection and making one.
  class Client extends pg.Client {
    constructor(options) {
      // The pool hides the password from whoever copies its options.
      const { password, connectTimeoutSeconds } = database;
      super({ ...options, password, connectionTimeoutMillis: connectTimeoutSeconds * 1000 });
    }
  }
  return {
    Client,
    host: database.host,
    port: database.port,
    user: database.user,
    password: database.password,
    database: database.database,
    ssl: database.tls,
    application_name: database.applicationName,
    options: `${database.sessionOptions} ${SESSION}`,
    max: database.connectionLimit,
    connectionTimeoutMillis: database.poolTimeoutSeconds * 1000,
    idleTimeoutMillis: database.maxIdleSeconds * 1000,
    maxLifetimeSeconds: database.maxLifetimeSeconds,
  };
}

/** The pool. */
export class Pool extends Queryable {
  #pool;
  #database;
  #held = new Set();
  #types = new Map();
  #marks = new Map();
  #nextMark = 0;

  constructor(database, log) {
    super(new ErrorRegistry());
    this.#database = database;
    this.#pool = new pg.Pool(poolOptions(database));
    // An idle connection that is lost is replaced when it is needed.
    this.#pool.on('error', (error) => log('warn', 'a database connection was lost', { code: error.code }));
  }

  /** For the core. */
  get adapter() {
    return bound(this, 'getConnectionInfo', 'startTransaction');
  }

  get connectionLimit() {
    return this.#database.connectionLimit;
  }

  get schemaName() {
    return this.#database.schema;
  }

  getConnectionInfo() {
    return ok({ schemaName: this.schemaName });
  }

  /** Runs a statement in no transaction. */
  async read(query, taker) {
    const { client, release } = await this.#take();
    try {
      return await readOn(client, query, taker);
    } finally {
      release();
    }
  }

  /**
   * The transaction that the core means when it runs the statement it is given here: the core alone
   * knows which name of a transaction is which. Undefined if it does not run it.
   */
  async meaning(runs) {
    const mark = this.#nextMark++;
    let meant;
    this.#marks.set(mark, (transaction) => {
      meant = transaction;
    });
    try {
      await runs(`select 'engine transaction ${mark}'`);
      return meant;
    } finally {
      this.#marks.delete(mark);
    }
  }

  /** What is known of the types of a raw query's columns: a promise where PostgreSQL has to be asked. */
  typesOf(oids) {
    const unknown = unknownTypes(oids, this.#types);
    return unknown.length === 0 ? this.#types : this.#lookUp(unknown);
  }

  // On a connection of its own: those of the pool may all be waiting for this.
  async #lookUp(oids) {
    const { Client, ...options } = poolOptions(this.#database);
    /** @type {import('pg').Client} */
    const client = /** @type {any} */ (new Client(options));
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query(TYPES, [oids]);
      for (const oid of oids) this.#types.set(oid, { unsupported: `of number ${oid}` });
      for (const row of rows) this.#types.set(Number(row.oid), describe(row));
    } catch (error) {
      throw connectionRefused(error, this.#database);
    } finally {
      await client.end().catch(() => {});
    }
    return this.#types;
  }

  async run(query) {
    const { client, release } = await this.#take();
    try {
      return await runOn(client, query);
    } finally {
      release();
    }
  }

  /** For a core that only reads, and not much. */
  get readingAdapter() {
    const door = bound(new BoundedReads(this));
    return { ...this.adapter, queryRaw: door.queryRaw };
  }

  async startTransaction() {
    return this.answer(async () => bound(await this.begin(), 'commit', 'rollback'));
  }

  /** A connection on which the core, which knows the isolation, begins a transaction. */
  async begin() {
    const { client, release } = await this.#take();
    return new Transaction(this.registry, client, release, this.#marks);
  }

  /** Closes every connection, those in use too: PostgreSQL rolls back what is open. */
  async close() {
    const ended = this.#pool.end();
    for (const release of this.#held) release(true);
    await ended;
  }

  /** A connection, and how to give it back; one that is broken or in a transaction is dropped. */
  async #take() {
    const client = await this.#connect();
    let broken = false;
    const onError = () => {
      broken = true;
    };
    client.on('error', onError);
    const release = (drop = false) => {
      if (!this.#held.delete(release)) return;
      client.off('error', onError);
      client.release(drop || broken || client.getTransactionStatus() !== IN_NO_TRANSACTION);
    };
    this.#held.add(release);
    return { client, release };
  }

  async #connect() {
    try {
      return await this.#pool.connect();
    } catch (error) {
      // The pool has no type for this, only these words.
      if (error.message === 'timeout exceeded when trying to connect') throw poolExhausted(this.#database);
      throw connectionRefused(error, this.#database);
    }
  }
}
