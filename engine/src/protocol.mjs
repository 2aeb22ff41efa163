// Between the Python client, which speaks Prisma's older GraphQL protocol, and the wasm engine,
// which speaks only the JSON protocol. Pure.
//
// A request is a GraphQL document with one query, always called `result`:
//   mutation { result: createOneThing(data: { name: "x" }) { id name } }
// which is, in the JSON protocol,
//   { modelName: "Thing", action: "createOne", query: { arguments: …, selection: … } }

import { parse } from 'graphql';

import { Arguments } from './arguments.mjs';

const ACTIONS = /^(findUnique|findFirst|findMany|createOne|createMany|updateOne|updateMany|upsertOne|deleteOne|deleteMany|aggregate|groupBy)(\w+?)(OrThrow)?$/;
const RAW = new Set(['queryRaw', 'executeRaw']);

/** A request that makes no sense. */
export class BadRequest extends Error {}

/** A GraphQL value, with a tag where JSON would lose something. */
function literal(node) {
  switch (node.kind) {
    case 'StringValue':
    case 'BooleanValue':
      return node.value;
    case 'IntValue':
      return Number.isSafeInteger(Number(node.value)) ? Number(node.value) : { $type: 'BigInt', value: node.value };
    case 'FloatValue':
      return Number(node.value);
    case 'EnumValue':
      return { $type: 'Enum', value: node.value };
    case 'NullValue':
      return null;
    case 'ListValue':
      return node.values.map(literal);
    case 'ObjectValue':
      return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, literal(value)]));
    default:
      throw new BadRequest(`a query may not hold a ${node.kind}`);
  }
}

const literals = (nodes) => Object.fromEntries((nodes ?? []).map(({ name, value }) => [name.value, literal(value)]));

function root(document) {
  let query;
  try {
    const { definitions } = parse(document, { noLocation: true });
    query = definitions.length === 1 ? definitions[0].selectionSet?.selections : undefined;
  } catch (cause) {
    // The parser's message quotes what it stumbled over, which may be anybody's data.
    throw new BadRequest('the query is not GraphQL', { cause });
  }
  if (query?.length !== 1) throw new BadRequest('a request has to hold exactly one query');
  return query[0];
}

export class Protocol {
  #arguments;

  constructor(models) {
    this.#arguments = new Arguments(models);
  }

  /** One GraphQL document as a request of the JSON protocol. */
  request(document) {
    const node = root(document);
    const name = node.name.value;
    if (RAW.has(name)) return { action: name, query: { arguments: literals(node.arguments), selection: {} } };
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
      arguments: this.#arguments.translate(model, literals(node.arguments)),
      selection: this.#selection(node, model),
    };
  }

  #selection(node, model) {
    const selected = (node.selectionSet?.selections ?? []).map((field) => {
      const name = field.name.value;
      if (!field.selectionSet) return [name, true];
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
