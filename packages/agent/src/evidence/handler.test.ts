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
  const p = await at.promote('orders', 'run-1');
  console.log(JSON.stringify((p.decision as any).gates.filter((g: any) => g.outcome !== 'pass' && g.outcome !== 'not_required')));
  const ls = await at.call('GET', '/v1/evidence');
  console.log(ls.bytes.toString());
  console.log((await at.call('GET', '/readyz')).bytes.toString(), (await at.call('GET', '/v1/log/checkpoint')).bytes.toString());
  console.log((await at.call('POST', '/v1/log/verify', { body: {} })).bytes.toString());
  expect(ls.status).toBe(200);
});
