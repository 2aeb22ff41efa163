// @ts-check
// The core's answers as the Python client wants them. Pure.
//
// They are changed as text, without being parsed: a megabyte of JSON need not become objects and
// text again, and a number keeps the digits that JavaScript's numbers have no room for.

import { closingQuote } from './postgres_text.mjs';

// Quotes inside of text are escaped, so this stands for itself wherever it is found.
const TAG = '{"$type":"';
const TAGGED = '","value":';
const DATA = '{"data":{';
const BATCH = '{"batchResult":[';

/** JSON without the tags that tell JavaScript a value's type: the Python client knows it. */
export function untagged(json) {
  let tag = json.indexOf(TAG);
  if (tag < 0) return json;
  const kept = [];
  let from = 0;
  while (tag >= 0) {
    const value = json.indexOf(TAGGED, tag + TAG.length) + TAGGED.length;
    const end = valueEnd(json, value);
    kept.push(json.slice(from, tag), json.slice(value, end));
    from = end + 1;
    tag = json.indexOf(TAG, from);
  }
  kept.push(json.slice(from));
  return kept.join('');
}

const BOUNDS = /["[\]{},]/g;

/** Where the value that begins at `start` ends. */
function valueEnd(json, start) {
  if (json[start] === '"') return closingQuote(json, start) + 1;
  let depth = 0;
  BOUNDS.lastIndex = start;
  for (let found = BOUNDS.exec(json); found; found = BOUNDS.exec(json)) {
    const [bound] = found;
    if (bound === '"') {
      BOUNDS.lastIndex = closingQuote(json, found.index) + 1;
    } else if (bound === '{' || bound === '[') {
      depth++;
    } else if (depth === 0) {
      return found.index;
    } else if (bound !== ',') {
      depth--;
      if (depth === 0) return found.index + 1;
    }
  }
  return json.length;
}

/** The answer to one request: `{"data":{"NAME":VALUE}}`, or errors, which `mend` changes. */
function single(json, raw, mend) {
  if (!json.startsWith(DATA)) return JSON.stringify({ errors: JSON.parse(json).errors.map(mend) });
  const value = closingQuote(json, DATA.length) + 2;
  const rest = json.slice(value);
  // Rows of a raw query have no tags, and their JSON may hold a key of that name.
  return `${DATA}"result":${raw ? rest : untagged(rest)}`;
}

const isRaw = ({ action }) => action === 'queryRaw' || action === 'executeRaw';

/** The core's answer to a request, or to `{ batch }`, as text for the client. */
export function clientAnswer(json, request, mend) {
  if (!json.startsWith(BATCH)) return single(json, isRaw(request), mend);
  const results = [];
  for (let at = BATCH.length; json[at] !== ']'; ) {
    if (json[at] === ',') at++;
    const end = valueEnd(json, at);
    results.push(single(json.slice(at, end), isRaw(request.batch[results.length]), mend));
    at = end;
  }
  return `${BATCH}${results.join(',')}]}`;
}
