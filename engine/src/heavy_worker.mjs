// @ts-check
// The thread for heavy work (heavy.mjs): a core of its own, without a connection of its own. What its
// core asks of the database is asked of the engine's main thread.

import { parentPort as port, workerData } from 'node:worker_threads';

import { clientAnswer } from './answers.mjs';
import { columnType, read } from './columns.mjs';
import { makeCore } from './core.mjs';
import { parseDatamodel } from './datamodel.mjs';
import { DatabaseUnavailable, ErrorRegistry, mendReport } from './errors.mjs';
import { BadRequest, Protocol } from './protocol.mjs';

const NO_TRACE = '{}';
const PIECE_CHARACTERS = 64 * 1024;

if (!port) throw new Error('heavy_worker.mjs is a thread of the engine, and no program');
const parentPort = port;

const registry = new ErrorRegistry();
const calls = new Map();
const continued = new Map();
let nextCall = 0;

const ok = (value) => ({ ok: true, value });

/** Asks the main thread; an answer of the adapter's kind. */
async function ask(method, transaction, query) {
  const call = nextCall++;
  const rows = [];
  const { value, error } = await new Promise((done) => {
    calls.set(call, { done, rows });
    parentPort.postMessage({ call, method, transaction, query });
  });
  calls.delete(call);
  if (error?.failure) return { ok: false, error: error.failure };
  if (error) {
    const { code, message, meta } = error.unavailable;
    return { ok: false, error: { kind: 'GenericJs', id: registry.put(new DatabaseUnavailable(code, message, meta)) } };
  }
  return ok({ value, rows });
}

function adapter(transaction) {
  const door = {
    provider: 'postgres',
    adapterName: 'pg',
    options: { usePhantomQuery: false },
    async queryRaw(query) {
      const answer = await ask('queryRaw', transaction, query);
      if (!answer.ok) return answer;
      const { value: { fields }, rows } = answer.value;
      const oids = fields.map(({ dataTypeID }) => dataTypeID);
      for (const values of rows) {
        for (const [at, text] of values.entries()) if (text !== null) values[at] = read(oids[at], text);
      }
      return ok({ columnNames: fields.map(({ name }) => name), columnTypes: oids.map(columnType), rows });
    },
    async executeRaw(query) {
      const answer = await ask('executeRaw', transaction, query);
      return answer.ok ? ok(answer.value.value) : answer;
    },
  };
  if (transaction !== undefined) {
    // The core has sent COMMIT or ROLLBACK by itself when it calls these.
    const end = async () => {
      await ask('end', transaction);
      return ok(undefined);
    };
    return Object.assign(door, { commit: end, rollback: end });
  }
  return Object.assign(door, {
    getConnectionInfo: () => ok({ schemaName: workerData.schemaName }),
    async startTransaction() {
      const answer = await ask('startTransaction');
      return answer.ok ? ok(adapter(answer.value.value)) : answer;
    },
  });
}

const core = makeCore(workerData.module, workerData.datamodel)(adapter());
const protocol = new Protocol(parseDatamodel(workerData.datamodel));
const connected = core.connect(NO_TRACE);

async function answer(id, body, given) {
  try {
    await connected;
    const request = given ?? protocol.translate(JSON.parse(Buffer.from(body).toString('utf8')));
    const text = await core.query(JSON.stringify(request), NO_TRACE, undefined);
    await send(id, clientAnswer(text, request, (report) => mendReport(report, registry)));
  } catch (error) {
    if (error instanceof BadRequest) parentPort.postMessage({ id, badRequest: error.message });
    else if (error instanceof SyntaxError) parentPort.postMessage({ id, badRequest: 'the request is not JSON' });
    else throw error;
  }
}

async function send(id, text) {
  for (let at = 0; ; ) {
    const end = pieceEnd(text, at);
    const last = end >= text.length;
    const more = last || new Promise((done) => continued.set(id, done));
    parentPort.postMessage({ id, piece: text.slice(at, end), last });
    if (last || !(await more)) return;
    at = end;
  }
}

/** Not between the two halves of a character. */
function pieceEnd(text, at) {
  const end = at + PIECE_CHARACTERS;
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code < 0xdc00 ? end + 1 : end;
}

parentPort.on('message', ({ id, body, request, more, reply, page, of, value, error }) => {
  if (reply !== undefined) {
    calls.get(reply).done({ value, error });
  } else if (of !== undefined) {
    for (const values of page) calls.get(of).rows.push(values);
    parentPort.postMessage({ acknowledge: of });
  } else if (more !== undefined) {
    continued.get(id)?.(more);
    continued.delete(id);
  } else {
    answer(id, body, request);
  }
});
