import { Problem } from '@govctl/core/api';
import { buildReceipt } from '@govctl/core/receipt';
import { describe, expect, it } from 'vitest';
import { deniedRun, sourcesOf } from '../../../../core/src/receipt/receipt.fixture.ts';
import { fakeClient } from '../../command.fixture.ts';
import { promotionCommands } from './declaration.ts';
import { bodies, evaluation, factsOf, programIn, promotionOf } from './promotion.fixture.ts';

const govctl = programIn(() => '/', promotionCommands);
const digest = `sha256:${'a'.repeat(64)}`;

const snapshot = (snapshot_id: string) => ({
  snapshot_id,
  tenant_id: 'default',
  dataset_id: 'orders',
  layer: 'RAW' as const,
  snapshot_hash: digest,
  file_count: 1,
  total_bytes: 1,
  missing_objects: 0,
  environment: 'local_parity',
  service_release_id: 'etl',
  created_at: '2026-11-21T00:00:00.000Z',
  created_by: 'HUMAN::ada',
  verification: 'registered' as const,
  verified_at: null,
  quarantined_at: null,
  quarantine_reason: null,
  quarantine_run_id: null,
  flagged_reason: null,
});

/** A dataset with these snapshots, newest first, of which one may be ACTIVE. */
function dataset(snapshots: readonly string[], active: string | null) {
  return fakeClient({
    'snapshot.ls': ({ query }) => ({
      schemaVersion: 'govctl/v1',
      kind: 'SnapshotList',
      items: snapshots.slice(0, Number(query?.limit)).map(snapshot),
      next_cursor: null,
    }),
    'dataset.active': ({ params }) => ({
      schemaVersion: 'govctl/v1',
      kind: 'DatasetActive',
      tenant_id: 'default',
      dataset_id: params.dataset_id,
      at: null,
      layers:
        active === null
          ? []
          : [
              {
                layer: 'GDP',
                generation: 1,
                snapshot_id: active,
                snapshot_hash: digest,
                run_id: 'r',
                decision_ref: digest,
                fence: 1,
                moved_at: '2026-11-21T00:00:00.000Z',
                flagged: null,
              },
            ],
      holds: [],
    }),
    'promotion.evaluate': () => evaluation(factsOf('a required check is missing')),
  });
}

describe('why-not', () => {
  it.each([
    [['new', 'old'], null, 'new'],
    [['new', 'old'], 'old', 'new'],
    [['new', 'old', 'older'], 'new', 'old'],
    // All there is is there: then the question is about that.
    [['only'], 'only', 'only'],
  ])('of %j with %s ACTIVE, is about %s', async (snapshots, active, expected) => {
    const client = dataset(snapshots, active);
    const { code } = await govctl(['why-not', 'orders', '--to', 'GDP', '--tenant', 'default'], client);
    expect(code).toBe(0);
    expect(bodies(client).at(-1)).toMatchObject({ snapshot_id: expected, from_layer: 'RAW', to_layer: 'GDP', tenant_id: 'default' });
  });

  it('asks about the snapshot it is given, one layer up, and records nothing', async () => {
    const client = dataset([], null);
    await govctl(['why-not', 'orders', '--to', 'KPI', '--snapshot', 'S', '--tenant', 'default'], client);
    expect(client.calls.map(({ name }) => name)).toEqual(['promotion.evaluate']);
    expect(bodies(client)[0]).toMatchObject({ snapshot_id: 'S', from_layer: 'GDP', to_layer: 'KPI' });
  });

  it('says where to begin when there is no snapshot', async () => {
    const { code, stderr } = await govctl(['why-not', 'orders', '--to', 'GDP', '--tenant', 'default'], dataset([], null));
    expect(code).toBe(11);
    expect(stderr).toContain('fix: govctl snapshot create DIR --dataset orders --layer RAW');
  });

  it('shows what denies first, what it asked, and each command to run', async () => {
    const { stdout } = await govctl(['why-not', 'orders', '--to', 'GDP', '--tenant', 'default'], dataset(['new'], null));
    expect(stdout).toMatch(/^would be denied: orders RAW -> GDP: denied by quality\n/);
    expect(stdout.indexOf('denied by (1)')).toBeLessThan(stdout.indexOf('passes ('));
    expect(stdout).toContain('Are the required checks present');
    expect(stdout).toMatch(/what to do\n {2}govctl quality import /);
  });
});

describe('why', () => {
  it('explains what a run was told, and exits 0 whatever that is', async () => {
    const facts = factsOf('stale, locked and missing objects at once');
    const client = fakeClient({ 'promotion.get': () => promotionOf(facts) });
    const { code, json } = await govctl(['why', 'run-1', '-o', 'json'], client);
    expect(code).toBe(0);
    expect(json()).toMatchObject({ kind: 'Explanation', run_id: 'run-1', status: 'deferred', decision: 'defer', denied_by: [] });
  });

  it('tells of a job what its receipt tells, and of no run that there is none', async () => {
    const none = () => {
      throw new Problem('not-found', { detail: 'no run', hint: 'govctl run ls' });
    };
    const job = await govctl(
      ['why', 'job-1', '-o', 'json'],
      fakeClient({ 'promotion.get': none, 'run.receipt': () => buildReceipt(sourcesOf(deniedRun())) }),
    );
    expect([job.code, job.json()]).toMatchObject([0, { kind: 'Receipt' }]);
    expect((await govctl(['why', 'job-1'], fakeClient({ 'promotion.get': none, 'run.receipt': none }))).code).toBe(11);
  });

  it('has nothing to explain where nothing is decided', async () => {
    const client = fakeClient({
      'promotion.get': () =>
        promotionOf(factsOf('raw to gdp, everything in order'), { decision: null, phase: 'CREATED', status: 'queued' }),
    });
    const { code, stderr } = await govctl(['why', 'run-1'], client);
    expect(code).toBe(11);
    expect(stderr).toContain('fix: govctl promotion watch run-1');
  });
});

describe('promotion', () => {
  it('is not rolled back without --reason, nor without a yes', async () => {
    const target = promotionOf(factsOf('raw to gdp, everything in order'));
    const client = fakeClient({ 'promotion.get': () => target });
    expect((await govctl(['promotion', 'rollback', 'run-1', '--yes'], client)).code).toBe(2);
    const unasked = await govctl(['promotion', 'rollback', 'run-1', '--reason', 'doubled rows'], client);
    expect([unasked.code, unasked.stdout]).toEqual([2, '']);
    expect(unasked.stderr).toContain('fix: give --yes');
    expect(client.calls.map(({ name }) => name)).not.toContain('promotion.rollback');
  });

  it('does not claim to know what became of a rollback whose connection broke', async () => {
    const client = fakeClient({
      'promotion.get': () => promotionOf(factsOf('raw to gdp, everything in order')),
      'promotion.rollback': () => {
        throw new Problem('timeout', { detail: 'govd did not answer within 1800 s' });
      },
    });
    const { code, stderr } = await govctl(
      ['promotion', 'rollback', 'run-1', '--reason', 'doubled rows', '--run-id', 'back-1', '--yes'],
      client,
    );
    expect(code).toBe(124);
    expect(stderr).toContain('sending it again with --run-id back-1 is safe');
  });

  it('says what goes on without it: whoever cancels a promotion has not stopped the job it waited for', async () => {
    const facts = factsOf('raw to gdp, everything in order');
    const job_run = { run_id: 'run-1-job', phase: 'EXECUTING', status: 'running', reason: null, result_ref: null };
    const waited = promotionOf({ ...facts, job_run }, { phase: 'FAILED', status: 'cancelled', job_run_id: 'run-1-job' });
    const shown = async (promotion: typeof waited) =>
      (await govctl(['promotion', 'get', 'run-1'], fakeClient({ 'promotion.get': () => promotion }))).stdout;
    expect(await shown(waited)).toContain('govctl run stop run-1-job --reason TEXT');
    // One whose job had ended before has nothing left over; one that failed says what helps.
    const over = promotionOf(facts, { phase: 'FAILED', status: 'cancelled', job_run_id: 'run-1-job' });
    expect(await shown(over)).not.toContain('what to do');
    const lesson = { run_id: 'run-1', cause: 'nobody resumed it', next_action: 'govctl promote orders --from RAW --to GDP --snapshot S' };
    expect(await shown({ ...over, status: 'failed', lesson })).toContain(lesson.next_action);
  });

  it('is watched to its end, each state once, and exits by it', async () => {
    const deferred = promotionOf(factsOf('another run holds the target'));
    const states = [deferred, deferred, { ...deferred, phase: 'FAILED' as const, status: 'cancelled' as const }];
    const client = fakeClient({ 'promotion.get': () => states.shift() ?? deferred });
    const { code, stdout } = await govctl(['promotion', 'watch', 'run-1', '-o', 'ndjson'], client);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { status: string }).status),
    ).toEqual(['deferred', 'cancelled']);
    expect(code).toBe(21);
    const open = fakeClient({ 'promotion.get': () => deferred });
    expect((await govctl(['promotion', 'watch', 'run-1', '--timeout', '200ms'], open)).code).toBe(124);
  });
});
