// @ts-check
// Which statement a read is, without running it.
//
// Prisma's core makes SQL of a request, runs it and makes JSON of the rows. For a read whose answer
// is its rows and nothing else, only the first part takes the core: here is one beside the one that
// works (engine.mjs), whose database answers every statement with nothing and writes it down. It is
// asked one request at a time, so a statement belongs to the request that is asked.

const NO_TRACE = '{}';
const NOTHING = { columnNames: [], columnTypes: [], rows: [] };

const ok = (value) => ({ ok: true, value });

export class Planner {
  #core;
  #statements = [];
  #failure;
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();

  /** `make` gives a core for an adapter. */
  constructor(make, schemaName) {
    const answer = (value) => async (statement) => {
      this.#statements.push(statement);
      return this.#failure ? { ok: false, error: this.#failure } : ok(value);
    };
    this.#core = make({
      provider: 'postgres',
      adapterName: 'pg',
      options: { usePhantomQuery: false },
      queryRaw: answer(NOTHING),
      executeRaw: answer(0),
      getConnectionInfo: () => ok({ schemaName }),
      startTransaction: async () => ({ ok: false, error: { kind: 'GenericJs', id: -1 } }),
    });
  }

  async connect() {
    await this.#core.connect(NO_TRACE);
  }

  /** The statements of a request, and the core's answer as text if they find nothing. */
  plan(request) {
    return this.#ask(request);
  }

  /** The core's answer to a request whose statement fails with this (an adapter's error). */
  async failed(request, failure) {
    return (await this.#ask(request, failure)).answer;
  }

  #ask(request, failure) {
    const asked = this.#turn.then(async () => {
      this.#statements = [];
      this.#failure = failure;
      const answer = await this.#core.query(JSON.stringify(request), NO_TRACE, undefined);
      return { statements: this.#statements, answer };
    });
    this.#turn = asked.catch(() => {});
    return asked;
  }
}
