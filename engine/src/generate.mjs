// @ts-check
// Generates the Python client from a Prisma schema, as `prisma generate` does, without the
// Prisma command line (which wants native engines from a host of its own).
//
// The schema is read by the official wasm build of Prisma's schema engine. The generator is
// prisma-client-py itself: `python -m prisma`, which speaks JSON-RPC (requests on its standard
// input, answers on its standard error). Nothing is sent off the machine.

import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { ENGINE_COMMIT } from './version.mjs';

const USAGE = 'usage: generate --python VENV/bin/python --schema SCHEMA.prisma';
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** What the command line asks for, or null when it makes no sense. */
export function parseCommandLine(argv) {
  /** @type {import('node:util').ParseArgsOptionsConfig} */
  const options = { python: { type: 'string' }, schema: { type: 'string' } };
  try {
    const { values } = parseArgs({ args: argv, options });
    return values.python && values.schema ? values : null;
  } catch {
    return null;
  }
}

/**
 * What `prisma generate` would tell the generator, except where engines lie: the client finds
 * its engine by PRISMA_QUERY_ENGINE_BINARY, so no path of this machine goes into it.
 */
export function generatorOptions(schemaPath, datamodel) {
  const require = createRequire(import.meta.url);
  const schemaEngine = require('@prisma/prisma-schema-wasm');
  const prismaSchema = [[schemaPath, datamodel]];
  const { config, errors } = JSON.parse(
    schemaEngine.get_config(
      JSON.stringify({ prismaSchema, datasourceOverrides: {}, ignoreEnvVarErrors: true, env: {} }),
    ),
  );
  if (errors.length > 0) throw new Error(`${schemaPath}: ${errors[0].message}`);
  const generator = config.generators.find(({ provider }) => provider.value === 'prisma-client-py');
  if (!generator) throw new Error(`${schemaPath}: no generator with provider "prisma-client-py"`);
  return {
    datamodel,
    datasources: config.datasources,
    generator: { ...generator, binaryTargets: [{ fromEnvVar: null, value: 'native' }] },
    dmmf: JSON.parse(schemaEngine.get_dmmf(JSON.stringify({ prismaSchema, noColor: true }))),
    otherGenerators: config.generators.filter((other) => other !== generator),
    schemaPath,
    version: ENGINE_COMMIT,
    binaryPaths: { queryEngine: {} },
  };
}

/** A generator process, asked one thing after the other. */
class Generator {
  #child;
  #answers = new Map();
  #exited;
  #nextId = 1;

  constructor(python) {
    this.#child = spawn(resolve(python), ['-m', 'prisma'], {
      // Its settings may also come from pyproject.toml of the working folder: there is none in /.
      cwd: '/',
      env: { ...process.env, PRISMA_GENERATOR_INVOCATION: 'true' },
      stdio: ['pipe', 'inherit', 'pipe'],
    });
    // A generator that dies early shows itself by its exit, not by the broken pipe.
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stderr }).on('line', (line) => this.#hear(line));
    this.#exited = new Promise((done, failed) => {
      this.#child.on('error', (cause) => failed(new Error(`cannot run ${python}`, { cause })));
      this.#child.on('close', (code, signal) => done(signal ?? code));
    });
  }

  /** Its result; a generator that ends without an answer is an error. */
  async ask(method, params) {
    const id = this.#nextId++;
    const answer = new Promise((done) => this.#answers.set(id, done));
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    const gone = this.#exited.then((how) => {
      throw new Error(`the generator ended (${how}) before it answered ${method}`);
    });
    const { result, error } = await Promise.race([answer, gone]);
    gone.catch(() => {});
    if (error) throw new Error(`the generator refused ${method}: ${error.message}`);
    return result;
  }

  async finish() {
    this.#child.stdin.end();
    const how = await this.#exited;
    if (how !== 0) throw new Error(`the generator ended with ${how}`);
  }

  /** Answers and ordinary complaints share the generator's standard error. */
  #hear(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      message = null;
    }
    const answered = this.#answers.get(message?.id);
    if (answered) answered(message);
    else process.stderr.write(`${line}\n`);
  }
}

// LiteLLM exchanges a client's engine under the name that prisma-client-py gave it until 0.11.
// Without that name each of its reconnects is reported as failed, and so is its first connect.
const OLD_NAME_OF_THE_ENGINE = `

Prisma._Prisma__engine = property(  # type: ignore[attr-defined]
    lambda client: client._internal_engine,
    lambda client, engine: setattr(client, '_internal_engine', engine),
)
`;

/** Generates the client; answers with the folder that it is in. */
export async function generate(python, schema) {
  const schemaPath = resolve(schema);
  const options = generatorOptions(schemaPath, readFileSync(schemaPath, 'utf8'));
  const generator = new Generator(python);
  const { manifest } = await generator.ask('getManifest', options.generator);
  const output = options.generator.output?.value ?? manifest.defaultOutput;
  options.generator.output = { value: output, fromEnvVar: null };
  await generator.ask('generate', options);
  await generator.finish();
  const client = join(output, 'client.py');
  if (!existsSync(client)) throw new Error(`the generator ended well but wrote no ${client}`);
  appendFileSync(client, OLD_NAME_OF_THE_ENGINE);
  return output;
}

export async function main(argv) {
  const wanted = parseCommandLine(argv);
  if (!wanted) {
    console.error(USAGE);
    process.exitCode = EXIT_USAGE;
    return;
  }
  try {
    console.log(`generated the database client in ${await generate(String(wanted.python), String(wanted.schema))}`);
  } catch (error) {
    const why = error.cause ? `: ${error.cause.message}` : '';
    console.error(`generate: ${error.message}${why}`);
    process.exitCode = EXIT_FAILED;
  }
}
