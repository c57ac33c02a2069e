import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DecisionDocument } from '@govctl/core/decision';
import type { PromotionDocument } from '@govctl/core/promotion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy, type Ended } from './harness.ts';
import { goodSnapshot, govern, importQuality, junit, snapshotOf } from './orders.ts';
import { toldOf } from './told.ts';

let at: Deployment;
let count = 0;

beforeAll(async () => {
  at = await deploy();
  await at.start();
  await govern(at);
});
afterAll(async () => await at.remove());

const toGdp = (snapshot: string, ...more: string[]) => [
  'promote',
  'orders',
  '--from',
  'RAW',
  '--to',
  'GDP',
  '--snapshot',
  snapshot,
  ...more,
];
const toKpi = (snapshot: string, ...more: string[]) => [
  'promote',
  'orders',
  '--from',
  'GDP',
  '--to',
  'KPI',
  '--snapshot',
  snapshot,
  ...more,
];
/** Rows no other test has. */
const rows = () => {
  count += 1;
  return `${count},${count * 100}`;
};
const newId = (name: string) => {
  count += 1;
  return `${name}-${count}`;
};

/** A command that has shown its first state, and its end. */
async function underWay(argv: readonly string[]): Promise<{ readonly ended: Promise<Ended> }> {
  const shown = Promise.withResolvers<void>();
  const ended = at.govctl(argv, { started: (child) => child.stdout?.once('data', () => shown.resolve()) });
  await Promise.race([shown.promise, ended]);
  return { ended };
}

type Reconciliation = { readonly clean: boolean; readonly findings: readonly { readonly subject: string }[] };
type Active = { readonly layers: readonly { readonly layer: string; readonly snapshot_id: string; readonly generation: number }[] };
const activeIn = async (layer: string) =>
  (await at.json<Active>(['dataset', 'active', 'orders'])).layers.find((pointer) => pointer.layer === layer);

describe('a promotion', () => {
  it('goes RAW -> GDP -> KPI with evidence, and reconciles clean', async () => {
    const snapshot = await goodSnapshot(at, rows());
    const gdp = await at.json<PromotionDocument>(toGdp(snapshot, '--wait'));
    expect(gdp).toMatchObject({
      kind: 'Promotion',
      phase: 'COMPLETED',
      status: 'succeeded',
      decision: { decision: 'allow', decided_by: 'policy' },
      active: { layer: 'GDP', snapshot_id: snapshot },
    });
    expect(gdp.evidence?.proof).toBeInstanceOf(Array);
    expect(gdp.phases.map(({ phase }) => phase)).toEqual([
      'CREATED',
      'AUTHORIZED',
      'EXECUTING',
      'GOVERNANCE_CHECK',
      'FINALIZING',
      'COMPLETED',
    ]);
    const kpi = await at.json<PromotionDocument>(toKpi(snapshot));
    expect(kpi).toMatchObject({ status: 'succeeded', active: { layer: 'KPI', snapshot_id: snapshot } });
    expect(await activeIn('KPI')).toMatchObject({ snapshot_id: snapshot });
    for (const run of [gdp.run_id, kpi.run_id])
      expect(await at.json<Reconciliation>(['reconcile', '--run', run])).toMatchObject({
        clean: true,
        runs: [{ status: 'COMPLETE', is_clean: true }],
      });
    expect(await at.json<Reconciliation>(['reconcile'])).toMatchObject({ clean: true, findings: [] });
  });

  it('is denied with every reason, ends there, and explains itself', async () => {
    const snapshot = await snapshotOf(at, rows());
    await importQuality(at, snapshot, junit({ failed: 'unique_orders_id' }));
    const before = await activeIn('GDP');
    const denied = await at.json<PromotionDocument>(toGdp(snapshot), 3);
    expect(denied).toMatchObject({ phase: 'FAILED', status: 'failed_policy', active: null });
    expect(denied.decision?.gates.find(({ code }) => code === 'quality')).toMatchObject({ outcome: 'fail', reason_code: 'quality-failed' });
    expect(await activeIn('GDP')).toEqual(before);
    // Denied stays denied, with the same run_id and with the mend in place.
    await importQuality(at, snapshot, junit());
    expect((await at.govctl(toGdp(snapshot, '--run-id', denied.run_id))).code).toBe(3);
    expect((await at.govctl(toGdp(snapshot, '--run-id', denied.run_id, '--wait'))).code).toBe(3);
    const why = await at.json<{ denied_by: { code: string }[]; next: { command: string }[] }>(['why', denied.run_id]);
    expect(why.denied_by.map(({ code }) => code)).toContain('quality');
    expect(why.next[0]?.command).toMatch(/^govctl quality import .* --snapshot /);
    expect((await at.govctl(toGdp(snapshot))).code).toBe(0);
  });

  it('is deferred, waits by itself, and goes on when the evidence arrives', async () => {
    const snapshot = await snapshotOf(at, rows());
    await importQuality(at, snapshot, junit({ ranAt: '2020-01-01T00:00:00Z' }));
    const deferred = await at.json<PromotionDocument>(toGdp(snapshot), 8);
    expect(deferred).toMatchObject({ phase: 'GOVERNANCE_CHECK', status: 'deferred', waiting_on: ['freshness'], active: null });
    expect(Date.parse(deferred.next_eligible_at ?? '')).toBeGreaterThan(Date.parse(deferred.created_at));
    const open = await at.json<{ items: { run_id: string }[] }>(['promotion', 'ls', '--open', '--dataset', 'orders']);
    expect(open.items.map(({ run_id }) => run_id)).toContain(deferred.run_id);
    const watching = await underWay(['promotion', 'watch', deferred.run_id, '-o', 'ndjson', '--timeout', '60s']);
    await importQuality(at, snapshot, junit());
    const watched = await watching.ended;
    const states = watched.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as PromotionDocument).status);
    expect([watched.code, states[0], states.at(-1)]).toEqual([0, 'deferred', 'succeeded']);
    expect(await activeIn('GDP')).toMatchObject({ snapshot_id: snapshot });
  });

  it('says after --wait how it ended, whoever ended it', async () => {
    const stale = async () => {
      const snapshot = await snapshotOf(at, rows());
      await importQuality(at, snapshot, junit({ ranAt: null }));
      return snapshot;
    };
    const snapshot = await stale();
    const timedOut = await at.govctl(toGdp(snapshot, '--wait', '--timeout', '1s', '--run-id', newId('waits')));
    expect(timedOut.code).toBe(124);
    expect(timedOut.stdout).toMatch(/^deferred: orders RAW -> GDP/);
    expect(timedOut.stderr).toContain('freshness (');

    const cancelled = newId('cancelled');
    const waiting = at.govctl(toGdp(await stale(), '--wait', '--run-id', cancelled, '-o', 'json'));
    await expect.poll(async () => (await at.govctl(['promotion', 'get', cancelled])).code, { timeout: 60_000 }).toBe(0);
    expect(await at.json(['promotion', 'cancel', cancelled, '--reason', 'wrong snapshot'])).toMatchObject({
      status: 'cancelled',
      reason: 'wrong snapshot',
    });
    const ended = await waiting;
    expect([ended.code, (JSON.parse(ended.stdout) as PromotionDocument).status]).toEqual([21, 'cancelled']);
    // Again is the same; what has ended otherwise cannot be cancelled.
    expect((await at.govctl(['promotion', 'cancel', cancelled, '--reason', 'again'])).code).toBe(0);
    const { items } = await at.json<{ items: { run_id: string }[] }>(['promotion', 'ls', '--status', 'failed_policy']);
    expect((await at.govctl(['promotion', 'cancel', items[0]?.run_id ?? '', '--reason', 'too late'])).code).toBe(10);
    expect((await at.govctl(['promotion', 'watch', cancelled])).code).toBe(21);
  });

  it('is left alone by Ctrl-C, which says how to watch it', async () => {
    const snapshot = await snapshotOf(at, rows());
    await importQuality(at, snapshot, junit({ ranAt: null }));
    const run = newId('interrupted');
    const ended = await at.govctl(toGdp(snapshot, '--wait', '--run-id', run), {
      started: (child) => {
        const whenOpen = setInterval(async () => {
          if ((await at.http('GET', `/v1/promotions/${run}`).catch(() => undefined))?.status !== 200) return;
          clearInterval(whenOpen);
          setTimeout(() => child.kill('SIGINT'), 300);
        }, 100);
      },
    });
    expect([ended.code, ended.stdout]).toEqual([130, '']);
    expect(ended.stderr).toContain(`govctl promotion watch ${run}`);
    expect(await at.json(['promotion', 'get', run])).toMatchObject({ status: 'deferred' });
  });

  it('is the same bytes when it is asked for again, and a conflict when it is another request', async () => {
    const snapshot = await goodSnapshot(at, rows());
    const run_id = newId('replayed');
    const body = { run_id, dataset_id: 'orders', from_layer: 'RAW', to_layer: 'GDP', snapshot_id: snapshot };
    const first = await at.http('POST', '/v1/promotions', body);
    const second = await at.http('POST', '/v1/promotions', body);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body).toBe(first.body);
    expect([first.headers['govctl-replayed'], second.headers['govctl-replayed']]).toEqual([undefined, 'true']);
    const again = await at.govctl(toGdp(snapshot, '--run-id', run_id, '-o', 'json'));
    expect(again).toEqual(await at.govctl(toGdp(snapshot, '--run-id', run_id, '-o', 'json')));
    const moves = await at.json<{ moves: { run_id: string }[] }>(['dataset', 'history', 'orders', '--layer', 'GDP']);
    expect(moves.moves.filter((move) => move.run_id === run_id)).toHaveLength(1);

    const other = await goodSnapshot(at, rows());
    for (const dryRun of [[], ['--dry-run'], ['--dry-run=server']]) {
      const conflict = await at.govctl(toGdp(other, '--run-id', run_id, '-o', 'json', ...dryRun));
      expect([conflict.code, conflict.stdout]).toEqual([10, '']);
      expect(JSON.parse(conflict.stderr)).toMatchObject({ kind: 'Problem', code: 'run-id-reused' });
    }
  });

  it('survives a restart of the daemon while it is awaited', async () => {
    const snapshot = await snapshotOf(at, rows());
    await importQuality(at, snapshot, junit({ ranAt: null }));
    const run = newId('restarted');
    expect((await at.govctl(toGdp(snapshot, '--run-id', run))).code).toBe(8);
    const waiting = await underWay(['promotion', 'watch', run, '--timeout', '90s']);
    await at.stop('SIGKILL');
    expect((await at.govctl(['promotion', 'get', run])).code).toBe(5);
    await at.start();
    await importQuality(at, snapshot, junit());
    const { code, stderr } = await waiting.ended;
    expect([code, stderr.match(/does not answer/g)?.length]).toEqual([0, 1]);
  });
});

describe('a dry run', () => {
  it('gives one decision here, at the daemon, from a file and for real', async () => {
    const snapshot = await goodSnapshot(at, rows());
    const run = newId('parity');
    const facts = join(at.folder, 'facts.json');
    const local = await at.json<DecisionDocument>(toGdp(snapshot, '--run-id', run, '--dry-run', '--save-facts', facts));
    expect(local).toMatchObject({ decision: 'allow', dry_run: true, parity: { tag: 'exact', differs: [] } });
    expect((await stat(facts)).mode & 0o777).toBe(0o600);
    expect(await at.json(toGdp(snapshot, '--run-id', run, '--dry-run=server'))).toMatchObject({ decision: 'allow', dry_run: true });
    expect((await at.govctl(['promotion', 'get', run])).code).toBe(11);

    // From the file: no configuration is read, no connection begun, no name looked up. Asking govd does begin one.
    const watched = join(at.folder, 'connections');
    const watch = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'offline-watch.mjs')}`, OFFLINE_WATCH: watched };
    const offline = await at.govctl(['promote', 'orders', '--dry-run=offline', '--facts', facts, '-o', 'json'], {
      env: { ...watch, GOVCTL_CONFIG: join(at.folder, 'nowhere.yaml') },
    });
    expect(await readFile(watched, 'utf8')).toBe('');
    expect((await at.govctl(toGdp(snapshot, '--dry-run=server'), { env: watch })).code).toBe(0);
    expect(await readFile(watched, 'utf8')).toContain('PIPECONNECTWRAP');
    const { parity: _parity, ...decision } = local;
    expect([offline.code, JSON.parse(offline.stdout)]).toEqual([0, decision]);

    const real = await at.json<PromotionDocument>(toGdp(snapshot, '--run-id', run));
    // The clock went on between them, and nothing else did.
    const timeless = ({ gates }: { readonly gates: DecisionDocument['gates'] }) =>
      gates.map(({ code, outcome, reason_code, expected }) => ({ code, outcome, reason_code, expected }));
    expect(timeless(real.decision ?? { gates: [] })).toEqual(timeless(local));
  });

  it('exits by the verdict', async () => {
    const undated = await snapshotOf(at, rows());
    await importQuality(at, undated, junit({ ranAt: null }));
    for (const where of ['local', 'server']) {
      expect((await at.govctl(toGdp('no-such-snapshot', `--dry-run=${where}`))).code).toBe(3);
      expect((await at.govctl(toGdp(undated, `--dry-run=${where}`))).code).toBe(8);
    }
  });

  it('judges as of another moment', async () => {
    const snapshot = await goodSnapshot(at, rows());
    const inAWeek = new Date(Date.now() + 7 * 86_400_000).toISOString();
    const later = await at.json<DecisionDocument>(toGdp(snapshot, '--dry-run', '--effective-time', inAWeek), 8);
    expect(later).toMatchObject({ waiting_on: ['freshness'], parity: { tag: 'exact' } });
    expect((await at.govctl(toGdp(snapshot, '--dry-run'))).code).toBe(0);
  });

  it('explains what the newest snapshot lacks for a layer', async () => {
    const snapshot = await snapshotOf(at, rows());
    const why = await at.json<{ subject: { snapshot_id: string }; denied_by: { code: string }[] }>(['why-not', 'orders', '--to', 'GDP']);
    expect(why.subject.snapshot_id).toBe(snapshot);
    expect(why.denied_by.map(({ code }) => code)).toContain('quality');
    const person = await at.govctl(['why-not', 'orders', '--to', 'GDP']);
    expect(person.stdout).toMatch(/^would be denied: /);
    expect(person.stdout).toContain(`govctl quality import dbt run_results.json --snapshot ${snapshot}`);
    expect((await at.govctl(['why-not', 'no-such-dataset', '--to', 'GDP'])).code).toBe(11);
  });
});

describe('a rollback', () => {
  it('returns to the version before, quarantines, holds and owes an audit; each is cleared by its verb', async () => {
    const good = await goodSnapshot(at, rows());
    await at.json(toGdp(good));
    const bad = await goodSnapshot(at, rows());
    const promoted = await at.json<PromotionDocument>(toGdp(bad));
    const was = new Date().toISOString();

    // Without a person to ask and without --yes nothing is done.
    const asking = await at.govctl(['promotion', 'rollback', promoted.run_id, '--reason', 'doubled rows']);
    expect(asking.code).toBe(2);
    expect(asking.stderr).toContain('fix: give --yes');
    expect(await activeIn('GDP')).toMatchObject({ snapshot_id: bad });

    // The rehearsal says what the deed will, of the version it will go to, and does nothing.
    const rehearsed = await at.json<DecisionDocument>(['promotion', 'rollback', promoted.run_id, '--reason', 'doubled rows', '--dry-run']);
    expect(rehearsed).toMatchObject({
      decision: 'allow',
      gate_set: 'rollback',
      dry_run: true,
      parity: { tag: 'exact' },
      subject: { snapshot_id: good },
    });
    expect(await activeIn('GDP')).toMatchObject({ snapshot_id: bad });

    const back = await at.json<PromotionDocument>(['promotion', 'rollback', promoted.run_id, '--reason', 'doubled rows', '--yes']);
    expect(back.decision?.gates.map(({ code, outcome }) => [code, outcome])).toEqual(
      rehearsed.gates.map(({ code, outcome }) => [code, outcome]),
    );
    expect(back).toMatchObject({
      run_kind: 'rollback',
      status: 'succeeded',
      rolls_back: promoted.run_id,
      reason: 'doubled rows',
      active: { layer: 'GDP', snapshot_id: good },
      pending_audit: { owner: 'data-platform' },
    });
    expect(await activeIn('GDP')).toMatchObject({ snapshot_id: good });
    expect(await toldOf(at, back.run_id, 'store.promotion.failed')).toMatchObject([
      { layer: 'GDP', data: { rolls_back: promoted.run_id, reason: 'doubled rows' } },
    ]);

    // Asked for again it is the same rollback, and for another reason another one.
    const again = (reason: string) =>
      at.govctl(['promotion', 'rollback', promoted.run_id, '--reason', reason, '--run-id', back.run_id, '--yes', '-o', 'json']);
    expect(JSON.parse((await again('doubled rows')).stdout)).toEqual(back);
    expect((await again('something else')).code).toBe(10);
    expect(await at.json<Active>(['dataset', 'active', 'orders', '--layer', 'GDP', '--at', was])).toMatchObject({
      layers: [{ snapshot_id: bad }],
    });

    // The version left is quarantined, and the target on hold for every other.
    expect((await at.json<DecisionDocument>(toGdp(bad, '--dry-run'), 3)).gates.find(({ code }) => code === 'quarantine')).toMatchObject({
      reason_code: 'version-quarantined',
    });
    const next = await goodSnapshot(at, rows());
    const held = await at.json<PromotionDocument>(toGdp(next), 8);
    expect(held.waiting_on).toEqual(['quarantine']);

    const { items: holds } = await at.json<{ items: { hold_id: string; run_id: string }[] }>(['hold', 'ls', '--dataset', 'orders']);
    const hold = holds.find(({ run_id }) => run_id === back.run_id)?.hold_id ?? '';
    expect((await at.govctl(['hold', 'lift', hold])).code).toBe(2);
    expect(await at.json(['hold', 'lift', hold, '--reason', 'cause mended'])).toMatchObject({ lift_reason: 'cause mended' });
    expect((await at.govctl(['promotion', 'watch', held.run_id, '--timeout', '60s'])).code).toBe(0);
    expect(await activeIn('GDP')).toMatchObject({ snapshot_id: next });

    const audit = back.pending_audit?.audit_id ?? '';
    const owed = async (...all: string[]) =>
      (await at.json<{ items: { audit_id: string }[] }>(['audit', 'overdue', ...all])).items.map(({ audit_id }) => audit_id);
    expect(await owed()).toContain(audit);
    expect(await at.json(['audit', 'close', audit, '--reason', 'double delivery'])).toMatchObject({ close_reason: 'double delivery' });
    expect(await owed()).not.toContain(audit);
    expect(await owed('--all')).toContain(audit);

    expect((await at.govctl(['snapshot', 'release', bad, '--reason', 'looked at'])).code).toBe(0);
    expect((await at.govctl(toGdp(bad, '--dry-run'))).code).toBe(0);
    expect(await at.json<Reconciliation>(['reconcile'])).toMatchObject({ clean: true });
  });

  it('refuses what is not ACTIVE any more, and what is not there', async () => {
    const { items } = await at.json<{ items: { run_id: string; status: string }[] }>(['promotion', 'ls', '--status', 'failed_policy']);
    expect((await at.govctl(['promotion', 'rollback', items[0]?.run_id ?? '', '--reason', 'try', '--yes'])).code).toBe(2);
    expect((await at.govctl(['promotion', 'rollback', 'no-such-run', '--reason', 'try', '--yes'])).code).toBe(11);
  });
});

describe('reconcile', () => {
  it('finds content that vanished from the disk, and exits by it', async () => {
    const snapshot = await goodSnapshot(at, rows());
    await at.json(toGdp(snapshot));
    const { snapshot_hash } = await at.json<{ snapshot_hash: string }>(['snapshot', 'get', snapshot]);
    const hex = snapshot_hash.slice('sha256:'.length);
    const manifest = (await findObject(hex)) ?? '';
    await rm(manifest);
    const found = await at.json<Reconciliation>(['reconcile'], 22);
    expect(found.findings.map(({ subject }) => subject)).toContain('orders/GDP');
    const person = await at.govctl(['reconcile']);
    expect(person.code).toBe(22);
    expect(person.stdout).toContain('pointer-object');
    expect((await at.govctl(['reconcile', '--run', 'no-such-run'])).code).toBe(11);
  });
});

async function findObject(hex: string): Promise<string | undefined> {
  const names = await readdir(join(at.state, 'objects'), { recursive: true });
  const name = names.find((one) => one.replaceAll('/', '').endsWith(hex));
  return name === undefined ? undefined : join(at.state, 'objects', name);
}

describe('the command line around it', () => {
  it('tells a daemon that was never started from wrong usage', async () => {
    const nobody = await deploy();
    try {
      const ended = await nobody.govctl(toGdp('S'));
      expect([ended.code, ended.stdout]).toEqual([5, '']);
      expect(ended.stderr).toContain('error[not-started]');
      expect(ended.stderr).toContain(`fix: govd run --state-dir ${nobody.state}`);
    } finally {
      await nobody.remove();
    }
  });

  it.each([
    [['promote', 'orders', '--form', 'RAW'], '--from'],
    [['promote', 'orders', '--from', 'BRONZE', '--to', 'GDP', '--snapshot', 'S'], 'RAW, GDP, KPI'],
    [['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', 'S', '--dry-run=maybe'], 'local, server, offline'],
    [['promotion', 'cancel', 'R'], '--reason'],
    [['promotion', 'frobnicate'], 'frobnicate'],
    [['dataset', 'active', 'orders', '--at', 'yesterday'], 'RFC 3339'],
  ])('%j is wrong usage', async (argv, mentions) => {
    const ended = await at.govctl(argv);
    expect([ended.code, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toContain(mentions);
  });

  it('refuses unknown fields of a bundle before anything is judged', async () => {
    const bundle = await at.file('bundle.json', JSON.stringify({ run_id: 'bundle-1', surprise: true }));
    for (const dryRun of [[], ['--dry-run']]) {
      const ended = await at.govctl(toGdp('S', '--evidence', bundle, '-o', 'json', ...dryRun));
      expect([ended.code, ended.stdout]).toEqual([2, '']);
      expect(JSON.parse(ended.stderr)).toMatchObject({ code: 'invalid-request' });
    }
    expect((await at.govctl(['promotion', 'get', 'bundle-1'])).code).toBe(11);
  });

  it('gives a reader who wants little that little, and ends well', async () => {
    const ended = await at.govctl(['promotion', 'ls', '--limit', '500', '-o', 'json'], { readAtMost: 100 });
    expect([ended.code, ended.stdout.length, ended.stderr]).toEqual([0, 100, '']);
  });

  it('prints the same bytes twice, whole and without decoration', async () => {
    const once = await at.govctl(['promotion', 'ls', '--limit', '500', '-o', 'json'], { env: { FORCE_COLOR: '1' } });
    expect(once.stdout).toBe((await at.govctl(['promotion', 'ls', '--limit', '500', '-o', 'json'])).stdout);
    expect(() => JSON.parse(once.stdout)).not.toThrow();
    const coloured = await at.govctl(['promotion', 'ls'], { env: { FORCE_COLOR: '1' } });
    const plain = await at.govctl(['promotion', 'ls'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
    expect(coloured.stdout).toContain('\u001b[');
    expect(plain.stdout).not.toContain('\u001b');
  });

  it('pages through lists without losing or repeating a row', async () => {
    const whole = (await at.govctl(['promotion', 'ls', '--limit', '500', '-o', 'name'])).stdout.trim().split('\n');
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: { run_id: string }[]; next_cursor: string | null } = await at.json([
        'promotion',
        'ls',
        '--limit',
        '3',
        ...(cursor === '' ? [] : ['--cursor', cursor]),
      ]);
      paged.push(...page.items.map(({ run_id }) => run_id));
      cursor = page.next_cursor;
    }
    expect(whole.length).toBeGreaterThan(3);
    expect(paged).toEqual(whole);
  });
});
