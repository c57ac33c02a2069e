import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Deployment, deploy } from './harness.ts';

// A dozen commands and a restart: on a machine that is busy with others this takes minutes.
vi.setConfig({ testTimeout: 400_000 });

let at: Deployment;
beforeAll(async () => {
  at = await deploy();
  await at.start();
});
afterAll(async () => await at.remove());

const ctl = (...args: string[]) => at.govctl(args);
const births = 300;
type Replay = {
  replay_id: string;
  status: string;
  position: number;
  rows_read: number;
  mended: Record<string, number>;
  ended_ref: string | null;
};

async function facts(): Promise<string[]> {
  const rows = await at.rows<{ payload: string }>('govd', 'SELECT payload FROM record_payload ORDER BY leaf_index');
  return rows.flatMap(({ payload }) => {
    const fact = (JSON.parse(Buffer.from(payload).toString('utf8')) as { predicate?: { fact?: string } }).predicate?.fact;
    return fact === undefined ? [] : [fact];
  });
}

it('runs a range again as a job: bounded, stopped, going on after a kill from its checkpoint, and changing nothing that is right', async () => {
  const lines = Array.from({ length: births }, (_, index) => ({
    change: 'BORN',
    object_key: `t/${String(index).padStart(4, '0')}`,
    object_type: 'tables',
    born_at: `2026-11-20T10:00:00.${String(index).padStart(6, '0')}Z`,
  }));
  const file = join(at.folder, 'births.ndjson');
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  expect((await ctl('handoff', 'import', file)).code).toBe(0);
  expect((await ctl('handoff', 'status', '--wait')).code).toBe(0);
  const live = () => at.rows('govd', 'SELECT source, CAST(low_water AS INTEGER) AS low_water FROM handoff_cursor ORDER BY source');
  const before = await live();

  const plan = await at.json(['handoff', 'replay', '--dry-run', '-o', 'json']);
  expect(plan).toMatchObject({
    kind: 'HandoffReplayPlan',
    from_id: 1,
    to_id: births,
    rows_total: births,
    would_mend: { candidates: 0, events: 0, changes: 0 },
  });

  const started = await at.json<Replay>([
    'handoff',
    'replay',
    '--rate',
    '2',
    '--id',
    'slow',
    '--reason',
    'a trial',
    '--detach',
    '-o',
    'json',
  ]);
  expect(started).toMatchObject({ status: 'running', replay_id: 'slow' });
  const slow = () => at.json<Replay>(['handoff', 'replay', 'get', 'slow', '-o', 'json']);
  let seen = await slow();
  for (; seen.position < 2; seen = await slow()) await sleep(100);
  await at.stop('SIGKILL');
  await at.start();
  const resumed = await slow();
  expect(resumed.position).toBeGreaterThanOrEqual(seen.position);
  for (seen = resumed; seen.position === resumed.position; seen = await slow()) await sleep(200);
  const stopped = await at.json<Replay>(['handoff', 'replay', 'stop', 'slow', '--reason', 'seen enough', '-o', 'json']);
  expect(stopped).toMatchObject({ status: 'stopped', ended_by: 'HUMAN::operator' });
  expect(stopped.position).toBe(stopped.rows_read);
  expect(stopped.position).toBeLessThan(births);

  // Progress stands on standard error; a program that asks for JSON gets none.
  const whole = await ctl('handoff', 'replay', '--id', 'whole');
  expect([whole.code, whole.stderr]).toEqual([0, expect.stringMatching(/running registry_changelog 1 to 300 again\n.*100% of 300 rows/)]);
  expect(await at.json<Replay>(['handoff', 'replay', 'get', 'whole', '-o', 'json'])).toMatchObject({
    status: 'complete',
    rows_read: births,
    mended: { candidates: 0, events: 0, changes: 0 },
  });
  expect(await live()).toEqual(before);
  const list = await at.json<{ items: Replay[] }>(['handoff', 'replay', 'ls', '-o', 'json']);
  expect(list.items.map(({ status }) => status)).toEqual(['complete', 'stopped']);
  expect((await facts()).filter((fact) => fact.startsWith('handoff.replay')).toSorted()).toEqual([
    'handoff.replay-complete',
    'handoff.replay-start',
    'handoff.replay-start',
    'handoff.replay-stop',
  ]);
});

it.each([
  [['--from', '9', '--to', '3'], 'runs backwards'],
  [['--to', '999999'], 'was read up to id 300'],
  [['--key', 'no/such'], 'there is no row of no/such'],
  [['--from', 'yesterday'], 'neither an id nor a moment'],
  [['--from', '2027-01-01T00:00:00Z'], 'there is no row'],
  [['stop', 'nope', '--reason', 'why not'], 'no replay nope'],
  [['stop', 'slow'], 'why should it be stopped'],
  [['begin'], 'there is no govctl handoff replay begin'],
])('answers clearly what cannot be replayed: %j', async (args, why) => {
  const { code, stdout, stderr } = await ctl('handoff', 'replay', ...args);
  expect([stdout, stderr.includes(why)]).toEqual(['', true]);
  expect(code === 2 || code === 11).toBe(true);
});

it('guards clean-up and mutation and never a birth: a dot_tools row is born at OSPA 0, captured, and cannot be activated', async () => {
  const key = 'dot_tools/crm_sync';
  expect((await ctl('preflight', 'dot.mutate', key, '--dry-run', '-o', 'json')).code).toBe(3);
  const permit = (await ctl('birth', 'permit', 'issue', key, '--type', 'dot_tools', '--reason', 'pilot', '-o', 'name')).stdout.trim();
  expect((await ctl('birth', 'add', key, '--type', 'dot_tools', '--permit', permit)).code).toBe(0);
  expect((await ctl('handoff', 'status', '--wait')).code).toBe(0);
  expect((await ctl('candidate', 'get', key, '--field', 'status')).stdout).toBe('captured\n');
  expect(await ctl('candidate', 'activate', key)).toMatchObject({
    code: 8,
    stdout: expect.stringMatching(/^activation of dot_tools\/crm_sync: deferred[\s\S]*fix +govctl ospa authorize /),
  });

  const blocked = await at.json(['preflight', 'dot.mutate', key, '-o', 'json'], 3);
  expect(blocked).toMatchObject({
    kind: 'Preflight',
    decision: 'deny',
    dimensions: { coverage: 'PASS', freshness: 'PASS', authorization: 'BLOCK', lock: 'PASS' },
    decision_ref: expect.stringMatching(/^sha256:/),
  });
  expect((await ctl('ospa', 'authorize', key, '--reason', 'approved')).code).toBe(0);
  const dry = await at.json(['preflight', 'dot.mutate', key, '--dry-run', '-o', 'json']);
  expect(dry).toMatchObject({ decision: 'allow', dry_run: true, parity: { tag: 'exact' } });
  expect(dry).not.toHaveProperty('decision_ref');
  expect(await at.json(['preflight', 'rp.cleanup', key, '-o', 'json'])).toMatchObject({ decision: 'allow' });
  expect((await facts()).filter((fact) => fact.startsWith('preflight.'))).toEqual(['preflight.deny', 'preflight.allow']);
  // What they were decided from is kept beside the records, and is what they name.
  expect(await at.json(['log', 'verify'])).toMatchObject({ verified: true, failed: 0 });

  const wrong = await ctl('preflight', 'birth.add', key);
  expect([wrong.code, wrong.stderr.includes('one of: rp.cleanup, dot.mutate')]).toEqual([2, true]);
  expect((await ctl('gate', 'check', 'preflight-lock', key, '--action', 'dot.mutate')).code).toBe(0);
  expect((await ctl('gate', 'check', 'preflight-coverage', 'no/such', '--action', 'dot.mutate')).code).toBe(3);
});

it('admits one birth a permit, lists and revokes permits, and records each issue', async () => {
  const issue = async (key: string, ...more: string[]) =>
    (await ctl('birth', 'permit', 'issue', key, '--type', 'dot_tools', '--reason', 'pilot', '-o', 'name', ...more)).stdout.trim();
  const add = (key: string, permit: string) => ctl('birth', 'add', key, '--type', 'dot_tools', '--permit', permit);
  const used = await issue('dot_tools/one');
  expect((await add('dot_tools/one', used)).code).toBe(0);
  const twice = await add('dot_tools/one', used);
  expect([twice.code, twice.stderr.includes('it admits one birth')]).toEqual([2, true]);
  const revoked = await issue('dot_tools/two');
  expect((await ctl('birth', 'permit', 'revoke', revoked, '--reason', 'a mistake')).code).toBe(0);
  expect((await add('dot_tools/two', revoked)).stderr).toContain('a mistake');
  expect((await ctl('birth', 'permit', 'revoke', used, '--reason', 'too late')).code).toBe(10);
  const { items } = await at.json<{ items: { permit_id: string; state: string; evidence_ref: string | null }[] }>([
    'birth',
    'permit',
    'ls',
    '-o',
    'json',
  ]);
  const state = (id: string) => items.find((item) => item.permit_id === id)?.state;
  expect([state(used), state(revoked)]).toEqual(['used', 'revoked']);
  expect(items.filter((item) => item.evidence_ref === null)).toEqual([]);
  expect((await facts()).filter((fact) => fact.startsWith('birth-permit.')).toSorted()).toEqual([
    ...items.map(() => 'birth-permit.issue'),
    'birth-permit.revoke',
  ]);
});

it('turns delivery on and off, and shows in metrics what status shows', async () => {
  const kind = 'handoff.object_born';
  expect(await at.json(['handoff', 'type', 'activate', kind, '-o', 'json'])).toMatchObject({ activated: true });
  expect(await at.json(['handoff', 'type', 'deactivate', kind, '--reason', 'consumers are away', '-o', 'json'])).toMatchObject({
    deactivated: true,
  });
  expect(await at.json(['handoff', 'type', 'deactivate', kind, '-o', 'json'])).toMatchObject({ deactivated: false });
  expect((await facts()).filter((fact) => fact.startsWith('event-type.'))).toEqual(['event-type.activate', 'event-type.deactivate']);
  const { body } = await at.http('GET', '/metrics');
  const figure = (name: string) =>
    Number(
      body
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length + 1),
    );
  const status = await at.json<{ lag_rows: number; quarantine: number; pending: { by_type: Record<string, number> } }>([
    'handoff',
    'status',
    '-o',
    'json',
  ]);
  expect(['ok', 'behind', 'unknown', 'pruned', 'drift', 'fenced'].map((state) => figure(`handoff_coverage{state="${state}"}`))).toEqual([
    1, 0, 0, 0, 0, 0,
  ]);
  expect(figure('handoff_lag_rows')).toBe(status.lag_rows);
  expect(figure('handoff_lag_seconds')).toBe(0);
  expect(figure('handoff_quarantine_rows')).toBe(status.quarantine);
  expect(figure(`handoff_pending_events{event_type="${kind}"}`)).toBe(status.pending.by_type[kind]);
  expect([figure('handoff_blocker_present'), figure('handoff_replays_running')]).toEqual([0, 0]);
  expect(figure('govd_handoff_batches_total')).toBeGreaterThan(0);
  expect(figure('handoff_cursor_heartbeat')).toBeGreaterThan(1_700_000_000);
});
