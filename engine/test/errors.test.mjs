// @ts-check
import assert from 'node:assert/strict';
import { it } from 'node:test';

import { connectionLost, connectionRefused, ErrorRegistry, isDatabaseAnswer, mend, mendReport } from '../src/errors.mjs';

const DATABASE = { host: '/run/gw', port: 5432, user: 'u', database: 'd', password: 'secret' };

it('an answer of the database is told from the loss of it', () => {
  const answer = (code) => ({ severity: 'ERROR', code, message: 'm' });
  assert.ok(isDatabaseAnswer(answer('23505')));
  assert.ok(isDatabaseAnswer(answer('57014')));
  for (const code of ['57P01', '57P02', '57P03', '08006']) assert.ok(!isDatabaseAnswer(answer(code)), code);
  assert.ok(!isDatabaseAnswer(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })));
});

it('a refused connection has the native code for its reason', () => {
  const reasons = { 53300: 'P2037', '28P01': 'P1000', '3D000': 'P1003', '57P03': 'P1001', ECONNREFUSED: 'P1001' };
  for (const [code, expected] of Object.entries(reasons)) {
    const error = connectionRefused(Object.assign(new Error('why'), { code }), DATABASE);
    assert.equal(error.code, expected);
    assert.ok(!JSON.stringify([error.message, error.meta]).includes('secret'));
  }
});

it('what the core calls an external error becomes ours again, once', () => {
  const registry = new ErrorRegistry();
  const external = { error_code: 'P2036', message: 'Error in external connector (id 0)', meta: { id: registry.put(connectionLost(new Error())) } };
  const report = mendReport({ error: 'KnownError', user_facing_error: external }, registry);
  assert.equal(report.user_facing_error.error_code, 'P1017');
  assert.match(report.error, /connection closed/);
  assert.equal(registry.take(external.meta.id), undefined);
});

it('a code never comes without meta, which the Python client would stumble over', () => {
  assert.deepEqual(mend({ error_code: 'P2034', message: 'm', meta: null }, new ErrorRegistry()).meta, {});
  assert.equal(mend({ message: 'm' }, new ErrorRegistry()).meta, undefined);
});
