// @ts-check
// The arguments of a query, from what GraphQL says to what the JSON protocol wants.
//
// The two agree but for JSON: the Python client sends a Json field's value as a string of JSON
// text, which the JSON protocol would store as a string. It has to be tagged, so the way to each
// field is followed through the grammar of Prisma's inputs. Following names alone would not do:
// a model may have a Json field called `data`.

const JSON_OPERANDS = new Set([
  'equals',
  'not',
  'array_contains',
  'array_starts_with',
  'array_ends_with',
  'lt',
  'lte',
  'gt',
  'gte',
]);
const RELATION_FILTERS = new Set(['some', 'every', 'none', 'is', 'isNot']);
const COMBINATORS = new Set(['AND', 'OR', 'NOT']);

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** Applies `translate` to each object of a value that may be one or a list. */
function each(value, translate) {
  if (Array.isArray(value)) return value.map((item) => each(item, translate));
  if (!isObject(value) || '$type' in value) return value;
  return translate(value);
}

function entries(value, translate) {
  return each(value, (object) =>
    Object.fromEntries(Object.entries(object).map(([key, inner]) => [key, translate(key, inner)])),
  );
}

/** A Json field's value in a record: text becomes JSON, `set` and `push` of lists are kept. */
function json(value) {
  if (typeof value === 'string') return { $type: 'Json', value };
  if (Array.isArray(value)) return value.map(json);
  return entries(value, (_, inner) => json(inner));
}

function jsonFilter(value) {
  if (!isObject(value)) return json(value);
  return entries(value, (key, inner) => (JSON_OPERANDS.has(key) ? json(inner) : inner));
}

/** The translation of one schema's arguments. */
export class Arguments {
  #models;

  constructor(models) {
    this.#models = models;
  }

  /** The model that a selected field leads to, if it does. */
  related(model, field) {
    const type = this.#type(model, field);
    return this.#models.has(type) ? type : undefined;
  }

  /** The arguments of a query on `model`, or of a relation that leads there. */
  translate(model, query) {
    return entries(query, (name, value) => {
      if (['data', 'create', 'update'].includes(name)) return this.#record(model, value);
      if (['where', 'having', 'cursor'].includes(name)) return this.#filter(model, value);
      return value;
    });
  }

  #type(model, field) {
    return this.#models.get(model)?.get(field);
  }

  #record(model, value) {
    return entries(value, (field, inner) => {
      const type = this.#type(model, field);
      if (type === undefined) return inner;
      return type === 'Json' ? json(inner) : this.#relation(type, inner);
    });
  }

  /** What may be said about a relation while its owner is written. */
  #relation(model, value) {
    return entries(value, (verb, inner) => {
      switch (verb) {
        case 'create':
          return this.#record(model, inner);
        case 'update':
          return this.#relationUpdate(model, inner);
        case 'createMany':
        case 'connectOrCreate':
        case 'updateMany':
        case 'upsert':
          return this.translate(model, inner);
        default:
          return this.#filter(model, inner);
      }
    });
  }

  /** `{ where, data }`, or for a relation to one the record by itself. */
  #relationUpdate(model, value) {
    return each(value, (object) => {
      const qualified = Object.keys(object).every((key) => key === 'where' || key === 'data');
      const ownField = this.#type(model, 'data') && !('where' in object);
      return qualified && !ownField ? this.translate(model, object) : this.#record(model, object);
    });
  }

  #filter(model, value) {
    return entries(value, (key, inner) => {
      if (COMBINATORS.has(key)) return this.#filter(model, inner);
      const type = this.#type(model, key);
      if (type === undefined) return inner;
      return type === 'Json' ? jsonFilter(inner) : this.#relationFilter(type, inner);
    });
  }

  #relationFilter(model, value) {
    return each(value, (object) => {
      const quantified = Object.keys(object).every((key) => RELATION_FILTERS.has(key));
      return quantified ? entries(object, (_, inner) => this.#filter(model, inner)) : this.#filter(model, object);
    });
  }
}
