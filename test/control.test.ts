import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PromotionDocument } from '@govctl/core/promotion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { goodSnapshot, govern, importQuality, junit, snapshotOf } from './orders.ts';
import { traceFault, traceSink } from './trace-sink.ts';

let at: Deployment;
let count = 0;

beforeAll(async () => {
  at = await deploy();
  await at.start();
  await govern(at);
});
afterAll(async () => await at.remove());

/** Rows no other test has. */
const rows = () => {
  count += 1;
  return `${count},${count * 7}`;
};

/** A promotion that waits: when its checks ran is not known. */
async function waiting(run: string): Promise<string> {
  const snapshot = await snapshotOf(at, rows());
  await importQuality(at, snapshot, junit({ ranAt: null }));
  await at.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot, '--run-id', run], 8);
  return snapshot;
}

const get = (run: string) => at.json<PromotionDocument>(['promotion', 'get', run]);

async function until(run: string, done: (promotion: PromotionDocument) => boolean): Promise<PromotionDocument> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const promotion = await get(run);
    if (done(promotion)) return promotion;
    await sleep(100);
  }
  throw new Error(`${run} never came to it: ${JSON.stringify(await get(run))}`);
}

/** A key of somebody, in a file, with these grants for orders. */
async function keyOf(actor: string, datasets: string, ...actions: string[]): Promise<Readonly<Record<string, string>>> {
  const file = join(at.folder, `${actor.replace('::', '-')}-${count}.apikey`);
  count += 1;
  await at.json(['apikey', 'add', '--actor', actor, ...actions.flatMap((one) => ['--action', one]), '--dataset', datasets, '-O', file]);
  return { GOVCTL_API_KEY_FILE: file };
}

/** What stands on record of a run: nouns and verbs, in order. */
async function factsOf(run: string) {
  const sql = `SELECT p.payload FROM record r JOIN record_payload p ON p.leaf_index = r.leaf_index WHERE r.run_id = '${run}' ORDER BY r.leaf_index`;
  const stored = await at.rows<{ payload: Buffer }>('govd', sql);
  return stored.map(({ payload }) => (JSON.parse(payload.toString('utf8')) as { predicate: Record<string, unknown> }).predicate);
}

async function eventsOf(run: string): Promise<string> {
  const told = await at.rows<{ events: string }>('govd', `SELECT events FROM outbox WHERE events LIKE '%"${run}"%' ORDER BY outbox_id`);
  return told.map(({ events }) => events).join('\n');
}

describe('a pause', () => {
  it('halts a promotion that waits, until somebody with authority resumes it: then everything is asked again', async () => {
    const snapshot = await waiting('held');
    const paused = await at.json<PromotionDocument>([
      'promotion',
      'pause',
      'held',
      '--reason',
      'looking at it',
      '--authority',
      'founder_only',
    ]);
    expect(paused).toMatchObject({
      status: 'paused',
      next_eligible_at: null,
      pause: { reason: 'manual_pause', detail: 'looking at it', timeout: 'TERMINATE', authorities: ['founder_only'], lock_key: null },
    });
    expect(Date.parse(paused.pause?.expires_at ?? '') - Date.parse(paused.pause?.paused_at ?? '')).toBe(3_600_000);

    // What it waited for comes, and it is not asked: the daemon asks by itself within a second otherwise.
    await importQuality(at, snapshot, junit());
    await sleep(2500);
    expect(await get('held')).toMatchObject({ status: 'paused', decision: { decision: 'defer' } });

    for (const argv of [
      ['promotion', 'pause', 'held', '--reason', 'again'],
      ['promotion', 'approve', 'held', '--reason', 'fine by me'],
    ]) {
      const { code, stderr } = await at.govctl(argv, {
        env: argv[1] === 'approve' ? await keyOf('HUMAN::ann', 'orders', 'promotion.*') : {},
      });
      expect([argv[1], code]).toEqual([argv[1], 10]);
      expect(stderr).toMatch(/^why: run held is paused by HUMAN::operator/m);
      expect(stderr).toContain('fix: govctl promotion resume held --reason TEXT');
    }

    const bob = await keyOf('HUMAN::bob', 'orders', 'promotion.*');
    const refused = await at.govctl(['promotion', 'resume', 'held', '--reason', 'I want it'], { env: bob });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain(
      'HUMAN::bob may not resume held: it takes founder_only, and tenant_user is held; the attempt is recorded',
    );
    expect((await get('held')).status).toBe('paused');

    const resumed = await at.json<PromotionDocument>(['promotion', 'resume', 'held', '--reason', 'the ledger agrees']);
    expect(resumed).toMatchObject({ status: 'succeeded', pause: null, active: { snapshot_id: snapshot } });
    const facts = await factsOf('held');
    expect(facts.flatMap(({ fact }) => fact ?? [])).toEqual(['run.pause', 'run.resume_refused', 'run.resume']);
    expect(facts.find(({ fact }) => fact === 'run.resume_refused')).toMatchObject({ actor: { actor_id: 'HUMAN::bob' } });
    expect(facts.find(({ fact }) => fact === 'run.resume')).toMatchObject({
      reason: 'the ledger agrees',
      detail: { authority: 'founder_only' },
    });
    const told = await eventsOf('held');
    for (const type of ['run.paused', 'run.resumed', 'run.completed']) expect(told).toContain(`"${type}"`);
    // The time it was paused counts for no deadline, and what it acknowledged is whole.
    expect(await at.json(['reconcile', '--run', 'held'])).toMatchObject({ clean: true, runs: [{ status: 'COMPLETE' }] });
  });

  it('keeps the target from others where asked; a lock that is broken is broken for its holder', async () => {
    await waiting('keeper');
    await at.json(['promotion', 'pause', 'keeper', '--reason', 'nothing may move', '--keep-lock', '--sla', '1d']);
    const lock_key = 'dataset/default/orders/GDP';
    const held = await at.json<{ items: { lock_key: string; holder: string; fence: number }[] }>(['lock', 'ls']);
    expect(held.items).toMatchObject([{ lock_key, holder: 'keeper', expired: false }]);
    const other = await goodSnapshot(at, rows());
    const behind = ['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', other, '--run-id', 'behind'];
    expect(await at.json(behind, 8)).toMatchObject({ status: 'deferred', waiting_on: ['single-writer'] });

    // A severe act asks for the name again, and without it nothing happens.
    expect((await at.govctl(['lock', 'break', lock_key, '--reason', 'the host is gone'])).code).toBe(2);
    const broken = await at.json(['lock', 'break', lock_key, '--reason', 'the host is gone', '--confirm', lock_key]);
    expect(broken).toMatchObject({ holder: null, broken_holder: 'keeper', fence: (held.items[0]?.fence ?? 0) + 1 });
    expect((await until('behind', ({ phase }) => phase === 'COMPLETED')).status).toBe('succeeded');
    expect((await at.govctl(['lock', 'break', lock_key, '--reason', 'once more', '--confirm', lock_key])).code).toBe(10);
    expect(
      (await at.govctl(['lock', 'break', 'dataset/default/nothing/GDP', '--reason', 'no such', '--confirm', 'dataset/default/nothing/GDP']))
        .code,
    ).toBe(11);
    expect(await eventsOf('keeper')).toContain('"lock.broken"');
    // The run finds the lock gone, and may be resumed all the same: everything is asked again, under a new fence.
    expect(await at.json(['promotion', 'resume', 'keeper', '--reason', 'go on'], 8)).toMatchObject({ status: 'deferred', pause: null });
    await at.json(['promotion', 'cancel', 'keeper', '--reason', 'done with it']);
  });

  it('gives its lock back when it is resumed or cancelled', async () => {
    for (const [run, ...argv] of [
      ['gives-1', 'promotion', 'resume', 'gives-1', '--reason', 'go on'],
      ['gives-2', 'promotion', 'cancel', 'gives-2', '--reason', 'no more'],
    ] as const) {
      await waiting(run);
      await at.json(['promotion', 'pause', run, '--reason', 'a moment', '--keep-lock']);
      expect((await at.json<{ items: unknown[] }>(['lock', 'ls'])).items).toHaveLength(1);
      const other = ['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', await goodSnapshot(at, rows())];
      const behind = await at.json<PromotionDocument>([...other, '--run-id', `${run}-behind`], 8);
      await at.json(argv, argv[1] === 'resume' ? 8 : 0);
      expect((await at.json<{ items: unknown[] }>(['lock', 'ls'])).items).toEqual([]);
      // Whoever waited for it is asked again then, and not when its time has come.
      const { phases } = await until(`${run}-behind`, ({ phase }) => phase === 'COMPLETED');
      expect((phases.at(-1)?.at ?? '') < (behind.next_eligible_at ?? '')).toBe(true);
    }
    await at.json(['promotion', 'cancel', 'gives-1', '--reason', 'done with it']);
  });

  it('warns before its time runs out, and then does what was said', async () => {
    for (const how of ['terminate', 'continue', 'escalate']) await waiting(`ends-by-${how}`);
    for (const how of ['terminate', 'continue', 'escalate']) {
      const argv = ['--reason', 'a short one', '--sla', '3s', '--warn-before', '2s', '--on-timeout', how];
      await at.json(['promotion', 'pause', `ends-by-${how}`, ...argv]);
    }
    const terminated = await until('ends-by-terminate', ({ phase }) => phase === 'FAILED');
    expect(terminated).toMatchObject({ status: 'failed', pause: null, risk_level: 'elevated' });
    expect(terminated.reason).toMatch(/^paused by HUMAN::operator until .* \(a short one\), and nobody resumed it$/);
    expect(await until('ends-by-continue', ({ status }) => status === 'deferred')).toMatchObject({
      pause: null,
      waiting_on: ['freshness'],
    });
    const escalated = await until('ends-by-escalate', ({ pause }) => pause?.escalated_at != null);
    expect(escalated).toMatchObject({ status: 'paused', risk_level: 'high' });

    const words = async (run: string) => (await factsOf(run)).flatMap(({ fact, status }) => fact ?? status ?? []);
    expect(await words('ends-by-terminate')).toEqual(['run.pause', 'run.pause_warned', 'failed']);
    expect(await words('ends-by-continue')).toEqual(['run.pause', 'run.pause_warned', 'run.resume']);
    expect(await words('ends-by-escalate')).toEqual(['run.pause', 'run.pause_warned', 'run.pause_escalated']);
    const { items } = await at.json<{ items: { run_id: string; error_code: string; severity: string }[] }>(['incident', 'ls']);
    const mine = items.filter(({ run_id }) => run_id?.startsWith('ends-by-')).map(({ run_id, error_code }) => [run_id, error_code]);
    expect(mine.sort()).toEqual([
      ['ends-by-escalate', 'pause-escalated'],
      ['ends-by-terminate', 'pause-timeout'],
    ]);
    expect(await eventsOf('ends-by-escalate')).toMatch(/threshold\.exceeded[\s\S]*pause:warning[\s\S]*pause:timeout/);
    expect(await at.json(['reconcile', '--run', 'ends-by-terminate'])).toMatchObject({ clean: true });
    // Nobody is called twice, and a person ends it.
    await at.json(['promotion', 'resume', 'ends-by-escalate', '--reason', 'I am here'], 8);
    for (const how of ['continue', 'escalate']) await at.json(['promotion', 'cancel', `ends-by-${how}`, '--reason', 'done with it']);
  });

  it('is refused where there is nothing to halt, and for what nobody can mean', async () => {
    const snapshot = await goodSnapshot(at, rows());
    await at.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot, '--run-id', 'over']);
    const said = async (...argv: string[]) => {
      const { code, stdout, stderr } = await at.govctl(argv);
      return [code, stdout, stderr];
    };
    expect(await said('promotion', 'pause', 'over', '--reason', 'too late')).toEqual([
      10,
      '',
      expect.stringContaining('has ended: succeeded'),
    ]);
    expect(await said('promotion', 'resume', 'over', '--reason', 'why not')).toEqual([10, '', expect.stringContaining('is not paused')]);
    expect(await said('promotion', 'pause', 'nobody', '--reason', 'who')).toEqual([11, '', expect.stringContaining('no promotion nobody')]);
    expect(await said('promotion', 'pause', 'over', '--reason', 'both', '--keep-lock', '--release-lock')).toEqual([
      2,
      '',
      expect.stringContaining('exclude'),
    ]);
    expect(await said('promotion', 'pause', 'over', '--reason', 'when', '--on-timeout', 'explode')).toEqual([
      2,
      '',
      expect.stringContaining('escalate'),
    ]);
    expect(await said('promotion', 'pause', 'over', '--reason', 'long', '--sla', '31d')).toEqual([2, '', expect.stringContaining('sla_s')]);
  });
});

describe('a tenant that is suspended', () => {
  it('runs nothing: what waits is denied at its next question, what is new at once; rollbacks are answered, and it may be resumed', async () => {
    const live = await goodSnapshot(at, rows());
    await at.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', live, '--run-id', 'before']);
    await waiting('waits');
    expect((await at.govctl(['tenant', 'suspend', 'default', '--reason', 'keys leaked'])).code).toBe(2);
    const suspended = await at.json(['tenant', 'suspend', 'default', '--reason', 'keys leaked', '--confirm', 'default']);
    expect(await at.json(['tenant', 'suspend', 'default', '--reason', 'again', '--confirm', 'default'])).toEqual(suspended);

    const ended = await until('waits', ({ phase }) => phase === 'FAILED');
    const gate = (promotion: PromotionDocument) => promotion.decision?.gates.find(({ code }) => code === 'subscription');
    expect([ended.status, gate(ended)]).toMatchObject([
      'failed_policy',
      { reason_code: 'tenant-suspended', reason: 'default was suspended by HUMAN::operator: keys leaked' },
    ]);
    const next = await goodSnapshot(at, rows());
    const promote = ['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', next, '--run-id'];
    expect(gate(await at.json<PromotionDocument>([...promote, 'new'], 3))?.resolve).toMatchObject({
      command: 'govctl tenant resume default --reason TEXT',
    });
    expect(await at.json(['promotion', 'rollback', 'before', '--reason', 'put it back', '--yes'])).toMatchObject({ status: 'succeeded' });
    const [hold] = (await at.json<{ items: { hold_id: string }[] }>(['hold', 'ls'])).items;
    await at.json(['hold', 'lift', hold?.hold_id ?? '', '--reason', 'looked at']);

    const eve = await keyOf('HUMAN::eve', 'orders', 'tenant.*');
    const refused = await at.govctl(['tenant', 'resume', 'default', '--reason', 'I say so'], { env: eve });
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('has no grant for tenant.resume on all of default')]);
    expect(await at.json(['tenant', 'ls'])).toMatchObject({ items: [{ tenant_id: 'default', resumed_at: null }] });
    await at.json(['tenant', 'resume', 'default', '--reason', 'keys replaced']);
    expect(await at.json(['tenant', 'ls'])).toMatchObject({ items: [] });
    expect((await at.govctl(['tenant', 'resume', 'default', '--reason', 'twice'])).code).toBe(11);
    expect(await at.json([...promote, 'after'])).toMatchObject({ status: 'succeeded' });
  });
});

type Shown = { readonly name: string; readonly traceId: string };
type ShownRequest = { resourceSpans: { scopeSpans: { spans: Shown[] }[] }[] };

/** A collector of traces, on loopback. */
async function collecting() {
  const spans: Shown[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      spans.push(...(JSON.parse(body) as ShownRequest).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((one) => one.spans)));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { spans, port: (server.address() as AddressInfo).port, close };
}

describe('a trace that cannot be written', () => {
  async function restartWith(mode: string, more = ''): Promise<void> {
    await at.stop();
    const file = join(at.state, 'govd.yaml');
    const before = (await readFile(file, 'utf8')).replace(/^observability:.*\n/m, '');
    await writeFile(file, `${before.trimEnd()}\nobservability: { promotion: ${mode}${more} }\n`);
    await at.start();
  }

  const promote = async (run: string, exit: number) =>
    await at.json<PromotionDocument>(
      ['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', await goodSnapshot(at, rows()), '--run-id', run],
      exit,
    );

  it('fails the run (STRICT), marks it (DEGRADED) or lets it pass (PERMISSIVE), and is an incident each time', async () => {
    await traceSink(at, 'break');
    // What local_parity does unless told otherwise.
    const marked = await promote('dark-degraded', 0);
    expect(marked).toMatchObject({
      status: 'succeeded',
      observability_status: 'DEGRADED',
      observability_error: expect.stringContaining(traceFault),
    });
    expect(await get('dark-degraded')).toEqual(marked);

    await restartWith('PERMISSIVE');
    expect(await promote('dark-permissive', 0)).toMatchObject({ status: 'succeeded', observability_status: null });

    const collector = await collecting();
    await restartWith('STRICT', `, otlp: { endpoint: 'http://127.0.0.1:${collector.port}' }`);
    const failed = await promote('dark-strict', 21);
    expect(failed).toMatchObject({ phase: 'FAILED', status: 'failed', decision: null, active: null, observability_status: 'LOST' });
    expect(failed.reason).toMatch(new RegExp(`^trace cannot be written \\(STRICT\\): .*${traceFault}`));
    expect((await factsOf('dark-strict')).map(({ status }) => status)).toEqual(['failed']);
    expect(await at.json(['reconcile', '--run', 'dark-strict'])).toMatchObject({ clean: true });
    // A rollback that did not happen owes no audit.
    const back = ['promotion', 'rollback', 'dark-permissive', '--reason', 'drill', '--run-id', 'dark-rollback', '--yes'];
    expect(await at.json(back, 21)).toMatchObject({
      phase: 'FAILED',
      status: 'failed',
      rolls_back: 'dark-permissive',
      pending_audit: null,
    });
    const { items: owed } = await at.json<{ items: { run_id: string }[] }>(['audit', 'overdue', '--all']);
    expect(owed.map(({ run_id }) => run_id)).not.toContain('dark-rollback');

    const { items } = await at.json<{ items: { run_id: string; error_code: string }[] }>(['incident', 'ls']);
    const dark = items.filter(({ error_code }) => error_code === 'trace-lost').map(({ run_id }) => run_id);
    expect(dark.sort()).toEqual(['dark-degraded', 'dark-permissive', 'dark-rollback', 'dark-strict']);

    await traceSink(at, 'mend');
    await promote('light', 0);
    const trace = await at.rows<{ kind: string }>('govd', "SELECT kind FROM run_trace WHERE run_id = 'light' ORDER BY seq");
    expect(trace.map(({ kind }) => kind)).toEqual(['start', 'step', 'step', 'step', 'step', 'end']);
    expect(await at.rows('govd', "SELECT kind FROM run_trace WHERE run_id = 'dark-degraded'")).toEqual([]);

    // Of a trace that is not there nobody hears, and nobody is shown it.
    for (const type of ['trace.started', 'trace.completed']) {
      expect(await eventsOf('light')).toContain(`"${type}"`);
      for (const run of ['dark-degraded', 'dark-permissive', 'dark-strict']) expect(await eventsOf(run)).not.toContain(`"${type}"`);
    }
    const [{ state } = { state: '{}' }] = await at.rows<{ state: string }>('govd', "SELECT state FROM run WHERE run_id = 'light'");
    const { trace_id } = JSON.parse(state) as { trace_id: string };
    for (let attempt = 0; attempt < 200 && collector.spans.length === 0; attempt += 1) await sleep(50);
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([trace_id]));
    expect(collector.spans.map(({ name }) => name)).toEqual([
      'CREATED',
      'AUTHORIZED',
      'EXECUTING',
      'GOVERNANCE_CHECK',
      'FINALIZING',
      'promotion orders',
    ]);
    // A collector that is gone keeps nothing from being promoted.
    collector.close();
    expect(await promote('unseen', 0)).toMatchObject({ status: 'succeeded', observability_status: null });
  }, 300_000);
});
