// @ts-check
// The command line and the environment that prisma-client-py launches the engine with, as one
// plain value. Pure: both come in as data, and so does what the machine looks like.

const USAGE = 'usage: query-engine (-p PORT | --version)';

/** A setting that makes no sense; the message may be logged, so it never quotes a value. */
export class SettingError extends Error {}

const decode = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SettingError('the database URL has a broken percent escape');
  }
};

function number(parameters, name, fallback) {
  const text = parameters.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,9}(\.\d+)?$/.test(text)) throw new SettingError(`${name} in the database URL is not a number`);
  return Number(text);
}

/** `postgresql://user:password@host:port/database?parameters` with the meaning Prisma gives it. */
export function parseDatabaseUrl(text, { cpus }) {
  let url;
  try {
    url = new URL(text);
  } catch {
    throw new SettingError('the database URL is not a URL');
  }
  if (!['postgresql:', 'postgres:'].includes(url.protocol)) {
    throw new SettingError('the database URL must start with postgresql://');
  }
  const parameters = url.searchParams;
  return {
    host: parameters.get('host') ?? decode(url.hostname),
    port: Number(url.port) || 5432,
    user: decode(url.username),
    // Without one `pg` looks where every client of PostgreSQL does: PGPASSWORD, PGPASSFILE.
    password: decode(url.password) || undefined,
    database: decode(url.pathname.slice(1)),
    schema: parameters.get('schema') ?? 'public',
    tls: tls(parameters),
    connectionLimit: number(parameters, 'connection_limit', cpus * 2 + 1),
    poolTimeoutSeconds: number(parameters, 'pool_timeout', 10),
    connectTimeoutSeconds: number(parameters, 'connect_timeout', 5),
    maxLifetimeSeconds: number(parameters, 'max_connection_lifetime', 0),
    maxIdleSeconds: number(parameters, 'max_idle_connection_lifetime', 300),
    sessionOptions: parameters.get('options') ?? '',
    applicationName: parameters.get('application_name') ?? undefined,
  };
}

/** `prefer` is no TLS: `pg` cannot fall back, and a Unix socket needs none. */
function tls(parameters) {
  const mode = parameters.get('sslmode') ?? 'prefer';
  if (['disable', 'prefer'].includes(mode)) return false;
  return { rejectUnauthorized: parameters.get('sslaccept') === 'strict' };
}

/** The client may override the URL of the schema: `[{"name": …, "url": …}]`. */
function databaseUrl(env) {
  const overrides = env.OVERWRITE_DATASOURCES;
  if (!overrides) return env.DATABASE_URL;
  try {
    return JSON.parse(overrides)[0]?.url ?? env.DATABASE_URL;
  } catch {
    throw new SettingError('OVERWRITE_DATASOURCES is not JSON');
  }
}

function portOf(argv) {
  const at = argv.findIndex((argument) => argument === '-p' || argument === '--port');
  const text = at < 0 ? '' : argv[at + 1];
  if (!/^\d{1,5}$/.test(text ?? '')) throw new SettingError(USAGE);
  return Number(text);
}

/** What to do: `{ version: true }`, or to serve with these settings. */
export function parseSettings(argv, env, machine) {
  if (argv.includes('--version') || argv.includes('-V')) return { version: true };
  const url = databaseUrl(env);
  if (!url) throw new SettingError('DATABASE_URL is not set');
  if (!env.PRISMA_DML_PATH) throw new SettingError('PRISMA_DML_PATH (the schema) is not set');
  return {
    version: false,
    port: portOf(argv),
    // Instead of the port: the gateway tells it, the client does not know it.
    socket: env.AI_GATEWAY_ENGINE_SOCKET || undefined,
    datamodelPath: env.PRISMA_DML_PATH,
    database: parseDatabaseUrl(url, machine),
  };
}
