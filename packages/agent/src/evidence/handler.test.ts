import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestDaemon, testDaemon } from './daemon.fixture.ts';

let at: TestDaemon;
beforeAll(async () => {
  at = await testDaemon();
});
afterAll(async () => {
  await at.close();
});
it('smoke', async () => {
  await at.govern('orders');
  await at.promote('orders', 'run-1');
  const ls = await at.call('GET', '/v1/evidence');
  expect(ls.status).toBe(200);
});
