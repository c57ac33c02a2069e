import { appendFile } from 'node:fs/promises';
import type { Receipt } from '@govctl/core/receipt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { goodSnapshot, govern, importQuality, junit, snapshotOf } from './orders.ts';

let at: Deployment;
const toGdp = (snapshot: string, run: string) => [
  'promote',
  'orders',
  '--from',
  'RAW',
  '--to',
  'GDP',
  '--snapshot',
  snapshot,
  '--run-id',
  run,
];
const receiptOf = (run: string) => at.json<Receipt>(['run', 'receipt', run]);

beforeAll(async () => {
  at = await deploy();
  const config = `${at.state}/govd.yaml`;
  await appendFile(config, 'receipt:\n  remote_assist: { url: https://help.example.com/data, expiry: 2h }\n');
  await at.start();
  await govern(at);
  await at.json(toGdp(await goodSnapshot(at, '1,10'), 'first'));
  await at.json(toGdp(await goodSnapshot(at, '1,10\n2,20'), 'second'));
  const broken = await snapshotOf(at, '1,10\n1,20');
  await importQuality(at, broken, junit({ failed: 'unique_orders_id' }));
  await at.json(toGdp(broken, 'broken'), 3);
  await at.json(['promotion', 'rollback', 'second', '--reason', 'duplicate <b>orders</b>', '--run-id', 'back', '--yes']);
  await at.json(toGdp(await goodSnapshot(at, '3,30'), 'held'), 8);
});
afterAll(async () => await at.remove());

describe('the receipt of a real run', () => {
  it('says how each of them ended, and what to do', async () => {
    expect(await receiptOf('first')).toMatchObject({
      verdict: { tone: 'good', word: 'Promoted' },
      audit: { status: 'COMPLETE', is_clean: true, owed: 6, acknowledged: 6 },
      remote_assist: null,
    });
    expect(await receiptOf('back')).toMatchObject({
      run_kind: 'rollback',
      verdict: { word: 'Rolled back' },
      next: { who: 'data-platform', command: expect.stringMatching(/^govctl audit close /) },
    });
    expect(await receiptOf('held')).toMatchObject({ verdict: { tone: 'wait', word: 'Waiting', ended: false }, ended_at: null });
    const denied = await receiptOf('broken');
    expect(denied).toMatchObject({
      verdict: { tone: 'bad', word: 'Denied', sentence: expect.stringContaining('unique_orders_id is failed') },
      incident: { state: 'open', error_code: 'denied' },
      lesson: { cause: expect.stringContaining('quality') },
    });
    expect(denied.remote_assist?.url).toMatch(/^https:\/\/help\.example\.com\/data\?ref=[\w-]+\.[\w-]+\.[\w-]+$/);
    // The same bytes for the same state, though a signature is in it.
    expect(await receiptOf('broken')).toEqual(denied);
  });

  it('verifies with the very commands it names', async () => {
    const { evidence } = await receiptOf('first');
    expect(evidence?.verify).toHaveLength(3);
    for (const { command } of evidence?.verify ?? []) {
      const [program, ...argv] = command.replaceAll('first.json', `${at.folder}/first.json`).split(' ');
      expect(program).toBe('govctl');
      const { code, stderr } = await at.govctl(argv);
      expect([code, stderr.includes('error')], command).toEqual([0, false]);
    }
  });

  it('over HTTP is a document or a page, as Accept prefers, and nobody without a grant learns that there is a run', async () => {
    const json = await at.http('GET', '/v1/runs/first/receipt');
    expect([json.status, JSON.parse(json.body).kind]).toEqual([200, 'Receipt']);
    const page = await at.http('GET', '/v1/runs/back/receipt', undefined, { accept: 'text/html,*/*;q=0.8' });
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': expect.stringMatching(/^default-src 'none'; .*frame-ancestors 'none'$/),
      'cache-control': 'no-store',
    });
    expect(page.body).toContain('duplicate &lt;b&gt;orders&lt;/b&gt;');
    expect(page.body).toBe((await at.govctl(['run', 'receipt', 'back', '-o', 'html'])).stdout);
    expect((await at.http('GET', '/v1/runs/none/receipt')).status).toBe(404);
    expect((await at.govctl(['run', 'receipt', 'none'])).code).toBe(11);
  });
});
