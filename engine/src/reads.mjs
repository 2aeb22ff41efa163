// @ts-check
// Reads whose answer is their rows and nothing else: a raw query, and records of one model without
// relations. The planner says which statement such a read is, its rows go from PostgreSQL to the
// client page by page, and the core never sees them. What it would do beyond SQL (records that are
// distinct, the last ones of an order, a cursor) stays with it.

import { clientAnswer } from './answers.mjs';
import { errorBody } from './errors.mjs';
import { Unreadable } from './postgres_text.mjs';
import { RawRows } from './raw_values.mjs';
import { RecordRows } from './record_values.mjs';
import { ClientGone } from './streamed_answer.mjs';

const RECORDS = /^find(Many|First|Unique)(OrThrow)?$/;
const PLAIN_ARGUMENTS = new Set(['where', 'orderBy', 'skip', 'take']);
const RESULT = '{"data":{"result":';
const END = '}}';

/** The read has grown long and may not go on yet; `undo` takes back what the statement did. */
class TooLong extends Error {
  undo = true;
}

/** As many long reads at once as leave connections to everybody else. */
class Permits {
  #free;
  #waiting = [];

  constructor(free) {
    this.#free = free;
  }

  tryTake() {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  async take() {
    if (!this.tryTake()) await new Promise((done) => this.#waiting.push(done));
  }

  give() {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

const MOST_LONG_READS = 2;

export class Reads {
  #planner;
  #pool;
  #columns;
  #permits;

  /** `columns` is what parseColumns (datamodel.mjs) makes of the schema. */
  constructor(planner, pool, columns) {
    this.#planner = planner;
    this.#pool = pool;
    this.#columns = columns;
    this.#permits = new Permits(Math.max(1, Math.min(MOST_LONG_READS, pool.connectionLimit - 1)));
  }

  /** The fields that are asked for, in a record; null for a raw query; undefined: not such a read. */
  #selected({ action, modelName, query }) {
    if (action === 'queryRaw') return null;
    if (action === undefined || !RECORDS.test(action)) return undefined;
    const { arguments: given, selection } = query;
    if (!Object.keys(given).every((name) => PLAIN_ARGUMENTS.has(name)) || given.take < 0) return undefined;
    const columns = this.#columns.get(modelName);
    const fields = Object.entries(selection).map(([name, value]) => (value === true ? columns?.get(name) : undefined));
    return fields.length > 0 && fields.every(Boolean) ? fields : undefined;
  }

  /** Whether a request looks like such a read. */
  takes(request) {
    return this.#selected(request) !== undefined;
  }

  /**
   * Answers such a read, in a transaction of the pool's or in none. False, with nothing answered, if
   * it is none after all.
   */
  async answer(request, transaction, answer, mend) {
    const selected = this.#selected(request);
    const { statements, answer: nothingFound } = await this.#planner.plan(request);
    if (statements.length > 1) return false;
    const empty = () => clientAnswer(nothingFound, request, mend);
    if (statements.length === 0) {
      answer.write(empty());
      answer.end();
      return true;
    }
    const read = new Read({ statement: statements[0], selected, one: request.action !== 'findMany', empty, answer, pool: this.#pool });
    return this.#run(read, request, transaction, answer, mend);
  }

  async #run(read, request, transaction, answer, mend) {
    read.permit = transaction ? () => true : () => this.#permits.tryTake();
    let permitted = false;
    try {
      try {
        await read.run(transaction ?? this.#pool);
      } catch (error) {
        if (!(error instanceof TooLong)) throw error;
        // Its connection goes to others meanwhile; nothing of it has been answered.
        answer.drop();
        await this.#permits.take();
        permitted = true;
        read.permit = () => true;
        await read.run(this.#pool);
      }
      return read.isPlain;
    } catch (error) {
      return this.#failed(error, request, answer, mend);
    } finally {
      if (permitted || (read.isLong && !transaction)) this.#permits.give();
    }
  }

  async #failed(error, request, answer, mend) {
    if (answer.begun || error instanceof ClientGone) {
      answer.cut();
      return true;
    }
    answer.drop();
    if (error instanceof Unreadable) {
      // The core says what is wrong with a record in its own words.
      if (request.action !== 'queryRaw') return false;
      const message = `Raw query failed. Code: \`N/A\`. Message: \`${error.message}\``;
      answer.write(JSON.stringify({ errors: [errorBody('P2010', message, { code: 'N/A', message: error.message })] }));
    } else {
      const failure = this.#pool.describe(error);
      answer.write(clientAnswer(await this.#planner.failed(request, failure), request, mend));
    }
    answer.end();
    return true;
  }
}

/** One such read: takes the rows of a PagedRead (paged_read.mjs) and writes them as the answer. */
class Read {
  #given;
  #writer;
  #count = 0;
  isPlain = true;
  isLong = false;
  permit = () => true;

  constructor(given) {
    this.#given = given;
  }

  async run(source) {
    const { answer, empty, one, selected } = this.#given;
    this.#writer = undefined;
    this.#count = 0;
    const rows = await source.read(this.#given.statement, this);
    if (!this.isPlain) return;
    if (selected === null) answer.write(`${this.#rawEnd(rows)}${END}`);
    else if (rows === 0) answer.write(empty());
    else answer.write(one ? END : `]${END}`);
    answer.end();
  }

  /** A raw statement without rows has no columns either. */
  #rawEnd(rows) {
    if (this.#writer) return this.#writer.tail(rows);
    const none = new RawRows([], new Map());
    return `${RESULT}${none.head}${none.tail(0)}`;
  }

  columns(fields) {
    const { selected, answer, pool } = this.#given;
    if (selected !== null) {
      this.#writer = RecordRows.of(selected, fields);
      this.isPlain = this.#writer !== undefined;
      return this.isPlain;
    }
    const begin = (catalogue) => {
      this.#writer = new RawRows(fields, catalogue);
      answer.write(`${RESULT}${this.#writer.head}`);
    };
    const known = pool.typesOf(fields.map(({ dataTypeID }) => dataTypeID));
    return known instanceof Promise ? known.then(begin) : begin(known);
  }

  row(values) {
    const { answer, one, selected } = this.#given;
    const text = this.#writer.row(values);
    const first = this.#count++ === 0;
    const before = !first ? ',' : selected === null ? '' : one ? RESULT : `${RESULT}[`;
    answer.write(before + text);
    if (!answer.isFull) return;
    if (!this.permit()) throw new TooLong();
    this.isLong = true;
    answer.begin();
  }

  get blocked() {
    return this.#given.answer.blocked;
  }
}
