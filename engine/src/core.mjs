// @ts-check
// Prisma's core: the official wasm build of its query engine.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const SCRIPT = '@prisma/client/runtime/query_engine_bg.postgresql.js';

/** Compiled once, for this thread and others. */
export const compile = () => new WebAssembly.Module(readFileSync(require.resolve(SCRIPT).replace(/\.js$/, '.wasm')));

/** For a schema, what makes a core for an adapter; all of one thread share their memory. */
export function makeCore(module, datamodel) {
  const bindings = require(SCRIPT);
  const instance = new WebAssembly.Instance(module, { './query_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  /** @type {any} */ (instance.exports).__wbindgen_start?.();
  const options = {
    datamodel,
    logLevel: 'error',
    logQueries: false,
    datasourceOverrides: {},
    env: {},
    ignoreEnvVarErrors: true,
  };
  // The core's log holds queries with their values: not ours to write down.
  return (adapter) => new bindings.QueryEngine(options, () => {}, adapter);
}
