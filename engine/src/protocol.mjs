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

/** A value without the tags that tell JavaScript its type: the Python client knows it. */
function untagged(value) {
  if (Array.isArray(value)) return value.map(untagged);
  if (value === null || typeof value !== 'object') return value;
  if ('$type' in value) return value.value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, untagged(inner)]));
}

/** The core's answer to one request, as the Python client wants it. */
export function response(answer) {
  if (answer.errors) return { errors: answer.errors };
  if (answer.batchResult) return { batchResult: answer.batchResult.map(response) };
  const [[name, result]] = Object.entries(answer.data);
  // Rows of a raw query have no tags, and their JSON may hold a key of that name.
  return { data: { result: RAW.has(name) ? result : untagged(result) } };
}
