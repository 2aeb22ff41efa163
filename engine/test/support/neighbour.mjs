// @ts-check
// Somebody else who uses the engine while a test keeps it busy: asks the smallest query again and again
// and writes down how long each answer took.

import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

const SELECT_ONE = JSON.stringify({ query: 'mutation { result: queryRaw(query: "SELECT 1", parameters: "[]") }', variables: {} });

/**
 * Posts a body and takes the answer as it comes; its length and whether it ended as it should.
 * @param {number} port
 * @param {string} body
 * @param {{ agent?: Agent, headers?: Record<string, string>, onChunk?: (chunk: Buffer, response: import('node:http').IncomingMessage) => void }} [how]
 */
export function post(port, body, { agent, headers = {}, onChunk = () => {} } = {}) {
  return new Promise((done, failed) => {
    const asked = request({ host: '127.0.0.1', port, path: '/', method: 'POST', agent, headers }, (response) => {
      let length = 0;
      let head = '';
      response.on('data', (chunk) => {
        length += chunk.length;
        if (head.length < 200) head += chunk.toString('latin1', 0, 200);
        onChunk(chunk, response);
      });
      response.on('error', failed);
      response.on('end', () => done({ length, head, whole: response.complete }));
    });
    asked.on('error', failed);
    asked.end(body);
  });
}

/** Asks until `work` is over; the latencies in milliseconds. */
export async function latencies(port, work) {
  const agent = new Agent({ keepAlive: true });
  let over = false;
  const worked = Promise.resolve(work).finally(() => {
    over = true;
  });
  const taken = [];
  while (!over) {
    const start = performance.now();
    const { head } = await post(port, SELECT_ONE, { agent });
    if (!head.includes('"rows":[[1]]')) throw new Error(`the neighbour was refused: ${head}`);
    taken.push(performance.now() - start);
    await new Promise((next) => setTimeout(next, 5));
  }
  agent.destroy();
  await worked;
  taken.sort((a, b) => a - b);
  const at = (share) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))];
  return { count: taken.length, median: at(0.5), p99: at(0.99), longest: taken.at(-1) };
}
