// @ts-check
// What a large read costs: node test/bench.mjs. ENGINE_TEST_BINARY names another engine to compare with.

import { Agent } from 'node:http';
import { performance } from 'node:perf_hooks';

import { EngineProcess, WATCHED } from './support/engine.mjs';
import { latencies, post } from './support/neighbour.mjs';
import { Postgres } from './support/postgres.mjs';
import { LARGE_TABLE, OWNERS, RAW_OWNERS, OWNERS_WITH_PETS } from './support/large.mjs';

const ROUNDS = 3;
const postgres = new Postgres();
try {
  await postgres.start();
  await postgres.sql(LARGE_TABLE);
  const agent = new Agent({ keepAlive: true });
  for (const [name, body] of Object.entries({ 'find_many(take=10000)': OWNERS(10000), 'query_raw of 10,000 rows': RAW_OWNERS(10000), 'with a relation, 10,000': OWNERS_WITH_PETS(10000) })) {
    const engine = await EngineProcess.start(postgres.url('connection_limit=10'), { env: WATCHED });
    for (let warm = 0; warm < 20; warm++) await post(engine.port, OWNERS(10), { agent });
    const before = await engine.state();
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      let took = 0;
      let answer = { length: 0 };
      const work = post(engine.port, body).then((whole) => {
        answer = whole;
        took = performance.now() - start;
      });
      const neighbour = await latencies(engine.port, work);
      const state = await engine.state();
      console.log(`${name}: ${took.toFixed(0)} ms for ${(answer.length / 1e6).toFixed(1)} MB; neighbour ${neighbour.median.toFixed(1)} / ${neighbour.p99.toFixed(0)} / ${neighbour.longest.toFixed(0)} ms (median, 99 %, longest of ${neighbour.count}); longest busy ${state.longestBusy.toFixed(0)} ms; memory ${before.resident.toFixed(0)} -> most ${state.mostResident.toFixed(0)}, stays ${state.resident.toFixed(0)} MiB`);
    }
    await engine.stop();
  }
  agent.destroy();
} finally {
  await postgres.remove();
}
