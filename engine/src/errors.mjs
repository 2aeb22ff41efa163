// @ts-check
// Errors as the native engine words them. The Python client picks its exception class by
// `user_facing_error.error_code`; LiteLLM tells an outage from a bad query by code and by words.

/** SQLSTATEs that mean the server is going away or not yet there, not that a query is wrong. */
const SERVER_GONE = /^(08...|57P0[123])$/;

/** A failure that the engine's core has no word for; it comes back from there by its number. */
export class DatabaseUnavailable extends Error {
  constructor(code, message, meta, cause) {
    super(message, { cause });
    this.code = code;
    this.meta = meta;
  }
}

/** A read has more rows than the serving thread may spend its time on; never told to a client. */
export class Overgrown extends DatabaseUnavailable {
  static CODE = 'overgrown';

  constructor() {
    super(Overgrown.CODE, 'the answer is too long for the thread that serves', {});
  }
}

/** Why no connection was to be had. */
export function connectionRefused(cause, database) {
  const { host, port, user } = database;
  if (cause.code === '53300') {
    const message = `Too many database connections opened: ${cause.message}`;
    return new DatabaseUnavailable('P2037', message, { message: cause.message }, cause);
  }
  if (cause.code === '28P01' || cause.code === '28000') {
    const message = `Authentication failed against database server at \`${host}\`, the provided database credentials for \`${user}\` are not valid.`;
    return new DatabaseUnavailable('P1000', message, { database_host: host, database_user: user }, cause);
  }
  if (cause.code === '3D000') {
    const message = `Database \`${database.database}\` does not exist on the database server at \`${host}:${port}\`.`;
    return new DatabaseUnavailable('P1003', message, { database_name: database.database }, cause);
  }
  const message = `Can't reach database server at \`${host}:${port}\`\n\nPlease make sure your database server is running at \`${host}:${port}\`.`;
  return new DatabaseUnavailable('P1001', message, { database_host: host, database_port: port }, cause);
}

export function poolExhausted({ poolTimeoutSeconds, connectionLimit }) {
  const message = `Timed out fetching a new connection from the connection pool. More info: http://pris.ly/d/connection-pool (Current connection pool timeout: ${poolTimeoutSeconds}, connection limit: ${connectionLimit})`;
  return new DatabaseUnavailable('P2024', message, {
    connection_limit: connectionLimit,
    timeout: poolTimeoutSeconds,
  });
}

/** LiteLLM knows an outage by the words "connection closed", which the native message lacks. */
export function connectionLost(cause) {
  const message = 'Server has closed the connection. (connection closed)';
  return new DatabaseUnavailable('P1017', message, {}, cause);
}

/** A statement's failure: the database's own answer about it, or the loss of the connection. */
export function isDatabaseAnswer(error) {
  return typeof error.severity === 'string' && typeof error.code === 'string' && !SERVER_GONE.test(error.code);
}

/** An error as it goes to the client. */
export function errorBody(code, message, meta = {}, error = message) {
  return { error, user_facing_error: { is_panic: false, message, meta, error_code: code } };
}

/** As many as are on their way through the engine's core, by the number it knows them by. */
export class ErrorRegistry {
  #errors = new Map();
  #next = 0;

  put(error) {
    const id = this.#next++;
    this.#errors.set(id, error);
    return id;
  }

  take(id) {
    const error = this.#errors.get(id);
    this.#errors.delete(id);
    return error;
  }
}

const EXTERNAL = 'P2036';

/**
 * The core's user-facing error, mended: what it calls an external error becomes ours again, and
 * `meta` is never null where there is a code, since the Python client trips over that.
 */
export function mend(userFacing, registry) {
  if (userFacing.error_code === EXTERNAL) {
    const original = registry.take(userFacing.meta?.id);
    if (original instanceof DatabaseUnavailable) {
      return { is_panic: false, message: original.message, meta: original.meta, error_code: original.code };
    }
    if (original) return { ...userFacing, message: original.message, meta: {} };
  }
  if (userFacing.error_code && !userFacing.meta) return { ...userFacing, meta: {} };
  return userFacing;
}

/** The same for a request's error, whose plain text tells of the number as well. */
export function mendReport(report, registry) {
  const userFacing = mend(report.user_facing_error, registry);
  const external = report.user_facing_error.error_code === EXTERNAL;
  return { ...report, error: external ? userFacing.message : report.error, user_facing_error: userFacing };
}
