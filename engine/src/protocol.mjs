// @ts-check
// Between the Python client, which speaks Prisma's older GraphQL protocol, and the wasm engine,
// which speaks only the JSON protocol. Pure.
//
// A request is a GraphQL document with one query, always called `result`:
//   mutation { result: createOneThing(data: { name: "x" }) { id name } }
// which is, in the JSON protocol,
//   { modelName: "Thing", action: "createOne", query: { arguments: …, selection: … } }

import { Arguments } from './arguments.mjs';
import { Malformed, read } from './graphql.mjs';

const ACTIONS = /^(findUnique|findFirst|findMany|createOne|createMany|updateOne|updateMany|upsertOne|deleteOne|deleteMany|aggregate|groupBy)(\w+?)(OrThrow)?$/;
const RAW = new Set(['queryRaw', 'executeRaw']);

/** A request that makes no sense. */
export class BadRequest extends Error {}

function root(document) {
  try {
    return read(document);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new BadRequest(`the query is not GraphQL that the engine reads: ${error.message}`);
  }
}

export class Protocol {
  #arguments;

  constructor(models) {
    this.#arguments = new Arguments(models);
  }

  /** What the client posts: one document, or a batch of them. */
  translate({ query, batch, transaction }) {
    return batch ? this.batch(batch.map((each) => each.query), transaction) : this.request(query);
  }

  /** One GraphQL document as a request of the JSON protocol. */
  request(document) {
    const node = root(document);
    const { name } = node;
    if (RAW.has(name)) return { action: name, query: { arguments: node.arguments, selection: {} } };
    const [, action, model, orThrow = ''] = ACTIONS.exec(name) ?? [];
    if (!action) throw new BadRequest('the query names no action that the engine has');
    return { modelName: model, action: action + orThrow, query: this.#query(node, model) };
  }

  /** Many of them, all or nothing where the client says so. */
  batch(documents, transaction) {
    const batch = documents.map((document) => this.request(document));
    return transaction ? { batch, transaction: {} } : { batch };
  }

  #query(node, model) {
    return {
      arguments: this.#arguments.translate(model, node.arguments),
      selection: this.#selection(node, model),
    };
  }

  #selection(node, model) {
    const selected = (node.selections ?? []).map((field) => {
      const { name } = field;
      if (!field.selections) return [name, true];
      return [name, this.#query(field, this.#arguments.related(model, name) ?? model)];
    });
    return Object.fromEntries(selected);
  }
}
