import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DecisionDocument } from '@govctl/core/decision';
import { jcsDigest } from '@govctl/core/evidence';
import type { PromotionDocument } from '@govctl/core/promotion';
import { Client } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { govern, junit } from './orders.ts';
import { toldOf } from './told.ts';

let at: Deployment;
let client: Client;
const keys: Record<string, string> = {};
const rule = 'rule:gdp-default/no-errors';
const zeros = `sha256:${'0'.repeat(64)}`;

beforeAll(async () => {
  at = await deploy();
  await at.start();
  client = new Client('http://govd', { socketPath: at.socket });
  await govern(at);
  for (const [name, actor_id, ...actions] of [
    ['grace', 'HUMAN::grace', 'role.steward'],
    ['hal', 'HUMAN::hal', 'role.owner'],
    ['ian', 'HUMAN::ian'],
    ['bot', 'SYSTEM::bot', 'role.steward'],
    // The one who asks, with a second key of the same name.
    ['second', 'HUMAN::Operator', 'role.steward'],
  ] as const) {
    const grants = [{ actions: ['promotion.*', 'waiver.*', ...actions], tenants: ['*'], datasets: ['*'] }];
    keys[name] = (JSON.parse((await at.http('POST', '/v1/keys/api', { actor_id, grants })).body) as { secret: string }).secret;
  }
});
afterAll(async () => {
  await client?.destroy();
  await at.remove();
});

async function contract(dataset: string, extra: string): Promise<void> {
  const yaml = `apiVersion: govctl/v1
kind: Contract
contract_id: ${dataset}
dataset_id: ${dataset}
promotion_types: [raw_to_gdp]
policy_packs: [gdp-default]
required_checks: []
min_quality_score: 0.1
requires_coverage: false
${extra}
`;
  expect((await at.http('POST', '/v1/contracts', { source: yaml })).status).toBe(200);
}

const erring = () =>
  `<testsuite name="t" timestamp="${new Date().toISOString()}"><testcase name="a"/><testcase name="b"><error/></testcase></testsuite>`;

async function snapshot(dataset: string, report: string): Promise<string> {
  await at.file(join(dataset, 'data.csv'), `id\n${dataset}\n`);
  const argv = ['snapshot', 'create', join(at.folder, dataset), '--dataset', dataset, '--layer', 'RAW'];
  const { snapshot_id } = await at.json<{ snapshot_id: string }>(argv);
  const file = await at.file(`${dataset}.xml`, report);
  await at.json(['quality', 'import', 'junit', file, '--snapshot', snapshot_id]);
  return snapshot_id;
}

async function promote(dataset_id: string, snapshot_id: string): Promise<PromotionDocument> {
  const request = { run_id: `${dataset_id}-1`, dataset_id, from_layer: 'RAW', to_layer: 'GDP', snapshot_id };
  return JSON.parse((await at.http('POST', '/v1/promotions', request)).body) as PromotionDocument;
}

const get = async (run: string) => JSON.parse((await at.http('GET', `/v1/promotions/${run}`)).body) as PromotionDocument;
const gate = (promotion: PromotionDocument, code: string) => promotion.decision?.gates.find((one) => one.code === code);

/** Asks until it is so: the daemon asks deferred runs again by itself. */
async function until(run: string, so: (promotion: PromotionDocument) => boolean): Promise<PromotionDocument> {
  for (let left = 600; ; left -= 1) {
    const promotion = await get(run);
    if (so(promotion) || left === 0) return promotion;
    await sleep(100);
  }
}

/** One request as somebody else. */
async function call(name: string, path: string, body: unknown): Promise<{ status: number; json: Record<string, unknown>; reason: string }> {
  const answer = await client.request({
    method: 'POST',
    path,
    headers: { authorization: `Bearer ${keys[name]}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const json = (await answer.body.json()) as Record<string, unknown>;
  const reasons = json.reasons as { path: string }[] | undefined;
  if (answer.statusCode >= 400) expect(json.hint).toBeTruthy();
  return { status: answer.statusCode, json, reason: reasons?.[0]?.path ?? '' };
}

/** Says yes or no to a run, as it stands. */
async function say(name: string, verb: 'approve' | 'reject', run: string, more: object = {}) {
  const { policy_rev, decision } = await get(run);
  const seen = { reason: 'compared', policy_rev, snapshot_hash: decision?.subject.snapshot_hash };
  return call(name, `/v1/promotions/${run}/${verb}`, { ...seen, ...more });
}

const soon = (ms: number) => new Date(Date.now() + ms).toISOString();

describe('approvals', () => {
  it('are for people with the role, who did not ask for it; two of them promote, once', async () => {
    await contract('pair', 'approvals: { quorum: 2, roles: [steward, owner] }');
    const id = await snapshot('pair', junit());
    expect((await promote('pair', id)).waiting_on).toEqual(['approvals']);
    for (const [name, verb, more, ...expected] of [
      ['second', 'approve', {}, 403, 'approval-by-requester'],
      ['second', 'reject', {}, 403, 'approval-by-requester'],
      ['bot', 'approve', {}, 403, 'approval-not-human'],
      ['ian', 'approve', {}, 403, 'approval-role-not-held'],
      ['grace', 'approve', { role: 'owner' }, 403, 'approval-role-not-held'],
      ['grace', 'approve', { role: 'auditor' }, 403, 'approval-other-role'],
      ['grace', 'approve', { overrides: ['quality'] }, 422, 'approval-not-overridable'],
      ['grace', 'approve', { expires_at: soon(8 * 86_400_000) }, 422, 'approval-expiry'],
      ['grace', 'approve', { expires_at: soon(-1000) }, 422, 'approval-expiry'],
      ['grace', 'approve', { snapshot_hash: zeros }, 412, 'approval-other-snapshot'],
      ['grace', 'approve', { policy_rev: zeros }, 412, 'approval-other-policy'],
    ] as const) {
      const { status, reason } = await say(name, verb, 'pair-1', more);
      expect([name, more, status, reason]).toEqual([name, more, ...expected]);
    }
    const own = await at.govctl(['promotion', 'approve', 'pair-1', '--reason', 'my own']);
    expect([own.code, own.stdout]).toEqual([4, '']);
    expect(own.stderr).toContain('fix: somebody else has to');
    expect((await get('pair-1')).approvals).toEqual([]);

    expect((await say('grace', 'approve', 'pair-1')).json).toMatchObject({
      role: 'steward',
      recorded: true,
      quorum: { needed: 2, given: 1, lacking_roles: ['owner'] },
    });
    expect((await say('grace', 'approve', 'pair-1')).json).toMatchObject({ recorded: false });
    const half = await until('pair-1', (promotion) => gate(promotion, 'approvals')?.actual === 1);
    expect(gate(half, 'approvals')).toMatchObject({
      reason_code: 'approvals-missing',
      resolve: { command: 'govctl promotion approve pair-1 --reason TEXT' },
    });
    expect(gate(half, 'approvals')?.reason).toContain('HUMAN::grace (steward)');
    const file = await at.file('hal.key', keys.hal ?? '');
    const last = await at.govctl(['promotion', 'approve', 'pair-1', '--reason', 'compared'], { env: { GOVCTL_API_KEY_FILE: file } });
    expect([last.code, last.stderr]).toEqual([0, expect.stringContaining('that is enough')]);
    const done = await until('pair-1', ({ phase }) => phase === 'COMPLETED');
    expect(done).toMatchObject({ status: 'succeeded', decision: { decision: 'allow', decided_by: 'policy' } });
    expect(done.approvals.map(({ actor_id, used_by }) => [actor_id, used_by])).toEqual([
      ['HUMAN::grace', done.decision_ref],
      ['HUMAN::hal', done.decision_ref],
    ]);
    expect(await say('grace', 'approve', 'pair-1')).toMatchObject({ status: 409, reason: 'approval-run-ended' });
    // Sent again, it is answered the same, and anybody comes to the same decision from the export.
    expect(await promote('pair', id)).toEqual(done);
    const exported = join(at.folder, 'pair.json');
    await at.json(['evidence', 'export', 'pair-1', '-O', exported]);
    expect(await at.json(['decision', 'replay', exported])).toMatchObject({ equal: true });
    const kinds = await at.rows<{ kind: string }>(
      'govd',
      "SELECT kind FROM record WHERE run_id = 'pair-1' AND kind <> 'verification-summary' ORDER BY leaf_index",
    );
    expect(kinds.map(({ kind }) => kind)).toEqual(['decision', 'approval', 'decision', 'approval', 'decision', 'promotion']);
  });

  it('are void once the policy set is another one', async () => {
    await contract('moved', 'approvals: { quorum: 2 }');
    const waits = await promote('moved', await snapshot('moved', junit()));
    expect((await say('grace', 'approve', 'moved-1')).status).toBe(200);
    await until('moved-1', (promotion) => gate(promotion, 'approvals')?.actual === 1);
    const source = `apiVersion: govctl/v1
kind: PolicyPack
name: another
version: 1.0.0
rules:
  - { id: any, on: [raw_to_gdp], severity: warn, require: quality.total > 0, message: none, resolve: { who: x, command: govctl why R } }
tests: { pass: [{ rule: any, input: { quality: { total: 1 } } }], fail: [{ rule: any, input: { quality: { total: 0 } } }] }
`;
    expect((await at.http('POST', '/v1/policies/activations', { source })).status).toBe(200);
    const judged = await until('moved-1', (promotion) => gate(promotion, 'approvals')?.reason_code === 'approval-other-policy');
    expect(gate(judged, 'approvals')).toMatchObject({ outcome: 'defer', reason_code: 'approval-other-policy', actual: 0 });
    expect(judged.policy_rev).not.toBe(waits.policy_rev);
    // What was seen before is no longer what is approved.
    expect(await say('hal', 'approve', 'moved-1', { policy_rev: waits.policy_rev })).toMatchObject({
      status: 412,
      reason: 'approval-other-policy',
    });
  });

  it('override what the contract names', async () => {
    await contract('brave', `approvals: { quorum: 1, overridable_rules: ["${rule}"] }`);
    const waits = await promote('brave', await snapshot('brave', erring()));
    expect(gate(waits, rule)).toMatchObject({ outcome: 'defer', reason_code: 'override-awaited' });
    expect((await say('ian', 'approve', 'brave-1', { overrides: [rule] })).status).toBe(200);
    const done = await until('brave-1', ({ phase }) => phase === 'COMPLETED');
    expect(done.decision?.exceptions).toMatchObject([{ code: rule, by: 'approval' }]);
    expect(gate(done, rule)).toMatchObject({ outcome: 'not_required', reason_code: 'overridden' });
  });

  it('a person who rejects ends it, and is named', async () => {
    await contract('spurned', 'approvals: { quorum: 2 }');
    await promote('spurned', await snapshot('spurned', junit()));
    expect((await say('hal', 'reject', 'spurned-1', { reason: 'totals differ' })).status).toBe(200);
    const ended = await get('spurned-1');
    expect(ended).toMatchObject({
      status: 'failed_policy',
      reason: 'rejected by HUMAN::hal: totals differ',
      decision: { decision: 'deny', decided_by: 'human' },
    });
    expect(gate(ended, 'approvals')).toMatchObject({ reason_code: 'approval-rejected', actual: 'HUMAN::hal' });
    expect((await at.json<{ summary: string }>(['why', 'spurned-1'])).summary).toContain('HUMAN::hal rejected it: totals differ');
    const exported = join(at.folder, 'spurned.json');
    await at.json(['evidence', 'export', 'spurned-1', '-O', exported]);
    expect(await at.json(['decision', 'replay', exported])).toMatchObject({ equal: true });
  });

  it('that expire end by the clock, never by a person', async () => {
    await contract('late', 'approvals: { quorum: 2 }\ndefer: { max: 15s, min_interval: 1s }');
    await promote('late', await snapshot('late', junit()));
    expect((await say('grace', 'approve', 'late-1', { expires_at: soon(3000) })).status).toBe(200);
    const ended = await until('late-1', ({ phase }) => phase === 'FAILED');
    expect(ended).toMatchObject({ status: 'failed_policy', decision: { decision: 'deny', decided_by: 'timeout' } });
    expect(gate(ended, 'approvals')).toMatchObject({ reason_code: 'approval-expired', actual: 0 });
    // How much of its promise to wait was over, it told in time.
    expect(ended.risk_level).toBe('high');
    const crossed = await toldOf(at, 'late-1', 'threshold.exceeded');
    expect(crossed.map(({ data }) => [data.threshold, data.risk_level, data.limit])).toEqual([
      ['defer:80', 'elevated', 15],
      ['defer:100', 'high', 15],
    ]);
    expect(Date.parse(crossed[0]?.time ?? '')).toBeLessThan(Date.parse(ended.updated_at));
  });
});

describe('waivers', () => {
  it('are for people, for a bounded time, and not for integrity, the single writer or scope', async () => {
    const week = soon(7 * 86_400_000);
    const add = async (name: string, code: string, expires_at = week) => {
      const { status, reason } = await call(name, '/v1/waivers', { rule: code, dataset_id: 'lame', reason: 'test', expires_at });
      return [code, status, reason];
    };
    for (const code of ['single-writer', 'actor', 'transition', 'snapshot', 'policy-rev', 'approvals', 'rule:gdp-default'])
      expect(await add('grace', code)).toEqual([code, 422, 'waiver-not-allowed']);
    expect(await add('grace', 'rule:gdp-default/no-such')).toEqual(['rule:gdp-default/no-such', 422, 'waiver-unknown-rule']);
    expect(await add('grace', rule, soon(91 * 86_400_000))).toEqual([rule, 422, 'waiver-expiry']);
    expect(await add('grace', rule, soon(-1))).toEqual([rule, 422, 'waiver-expiry']);
    expect((await add('bot', rule))[1]).toBe(403);
    expect(JSON.parse((await at.http('GET', '/v1/waivers?all=true')).body)).toMatchObject({ items: [] });
  });

  it('let a promotion pass and are counted; the dry run says the same; taken back, they count no more', async () => {
    await contract('lame', '');
    const id = await snapshot('lame', erring());
    const argv = ['promote', 'lame', '--from', 'RAW', '--to', 'GDP', '--snapshot', id];
    const dry = (exit: number) => at.json<DecisionDocument>([...argv, '--dry-run'], exit);
    expect(await dry(3)).toMatchObject({ decision: 'deny', parity: { tag: 'exact' } });
    const waive = ['waiver', 'add', rule, '--dataset', 'lame', '--to', 'GDP', '--for', '7d', '--reason', 'the tool is down'];
    const added = await at.json<{ waiver_id: string; subject: string; expires_at: string }>(waive);
    expect(added.subject).toBe('default/lame/GDP');
    const exceptions = [{ code: rule, by: 'waiver', id: added.waiver_id, expires_at: added.expires_at }];
    expect(await dry(0)).toMatchObject({ decision: 'allow', exceptions, parity: { tag: 'exact' } });
    const shown = await at.govctl([...argv, '--run-id', 'lame-1']);
    expect(shown.stdout).toContain(`1 waiver, expires ${added.expires_at}`);
    expect(await get('lame-1')).toMatchObject({ status: 'succeeded', decision: { exceptions } });
    const listed = await at.json(['waiver', 'ls', '--expiring', '8d']);
    expect(listed).toMatchObject({ items: [{ waiver_id: added.waiver_id, state: 'active' }] });
    const revoked = await at.json(['waiver', 'revoke', added.waiver_id, '--reason', 'mended']);
    expect(revoked).toMatchObject({ state: 'revoked', revoked_by: 'HUMAN::operator' });
    expect(await dry(3)).toMatchObject({ decision: 'deny', parity: { tag: 'exact' } });
  });

  it('taken back, open promotions are judged again at once', async () => {
    await contract('open', 'approvals: { quorum: 1 }');
    const id = await snapshot('open', junit({ ranAt: null }));
    const waiver = { rule: 'freshness', dataset_id: 'open', snapshot_id: id, reason: 'no clock there', expires_at: soon(3_600_000) };
    const added = await call('grace', '/v1/waivers', waiver);
    expect((await promote('open', id)).waiting_on).toEqual(['approvals']);
    expect((await call('grace', `/v1/waivers/${added.json.waiver_id}/revoke`, { reason: 'clock is mended' })).status).toBe(200);
    const judged = await until('open-1', ({ waiting_on }) => waiting_on.includes('freshness'));
    expect(judged.waiting_on).toEqual(['approvals', 'freshness']);
  });
});

describe('saved plans', () => {
  it('are carried out once, and refused with what moved; a stale one can be looked at, an edited one is no plan', async () => {
    await contract('planned', '');
    const id = await snapshot('planned', junit());
    const argv = ['promote', 'planned', '--from', 'RAW', '--to', 'GDP', '--snapshot', id];
    const [plan, stale] = [join(at.folder, 'plan.json'), join(at.folder, 'stale.json')];
    await at.json([...argv, '--dry-run', '--out', plan]);
    await at.json([...argv, '--dry-run=server', '--out', stale]);
    const content = JSON.parse(await readFile(plan, 'utf8')) as Record<string, unknown> & { facts: { as_of: string } };
    expect(content).toMatchObject({ kind: 'Plan', active: { from: null, to: null }, decision: { decision: 'allow' } });
    expect((await stat(plan)).mode & 0o777).toBe(0o600);

    for (const [name, edited] of [
      ['decision', { ...content, decision: { ...(content.decision as object), decision: 'deny' } }],
      ['facts', { ...content, facts: { ...content.facts, checks: [] } }],
    ] as const) {
      const { plan_digest: _digest, ...rest } = edited as Record<string, unknown>;
      // Also by somebody who knows how the digest is made.
      for (const plan_digest of [content.plan_digest, jcsDigest(rest)]) {
        const file = await at.file('edited.json', JSON.stringify({ ...rest, plan_digest }));
        const ended = await at.govctl(['promote', '--plan', file, '-o', 'json']);
        expect([name, ended.code, ended.stdout]).toEqual([name, 20, '']);
      }
    }
    const shown = await at.json(['promote', '--plan', plan, '--show']);
    expect(shown).toMatchObject({ kind: 'PlanReport', stale: false, moved: [] });
    const done = await at.json<PromotionDocument>(['promote', '--plan', plan]);
    expect(done).toMatchObject({ status: 'succeeded', active: { generation: 1 } });
    expect(await at.json(['promote', '--plan', plan])).toEqual(done);

    const refused = await at.govctl(['promote', '--plan', stale, '-o', 'json']);
    expect([refused.code, refused.stdout]).toEqual([10, '']);
    expect(JSON.parse(refused.stderr)).toMatchObject({
      code: 'stale',
      reasons: [{ path: 'ACTIVE generation of GDP', message: `none when planned, 1 (${id}) now` }],
    });
    expect(await at.json(['promote', '--plan', stale, '--show'])).toMatchObject({ stale: true, moved: [{ before: 'none' }] });
    // Whoever does not look first is refused by govd itself, and nothing happens.
    const { request, state_digest } = JSON.parse(await readFile(stale, 'utf8')) as { request: object; state_digest: string };
    const answer = await at.http('POST', '/v1/promotions', { ...request, expected_state: state_digest });
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([412, 'stale']);
    expect((await at.govctl(['promote', 'planned', '--plan', stale])).code).toBe(2);
  });
});

describe('policy replay', () => {
  it('says which of the past verdicts would flip, and nothing is written', async () => {
    const before = await at.rows('govd', 'SELECT count(*) AS n FROM record');
    const pack = await readFile(join(import.meta.dirname, '../fixtures/policy/gdp-default.yaml'), 'utf8');
    const same = await at.json(['policy', 'replay', '--candidate', await at.file('same.yaml', pack), '--last', '1d']);
    expect(same).toMatchObject({ flips: 0, items: [], unusable: 0 });
    expect(same.compared).toBeGreaterThan(10);
    const strict = pack.replace('snapshot.file_count > 0', 'snapshot.file_count > 100').replace('file_count: 3', 'file_count: 300');
    const replayed = await at.json<{ flips: number; items: { run_id: string; before: string; after: string }[] }>(
      ['policy', 'replay', '--candidate', await at.file('strict.yaml', strict), '--dataset', 'planned'],
      22,
    );
    expect(replayed.items).toMatchObject([{ before: 'allow', after: 'deny', rules: [{ code: 'rule:gdp-default/not-empty' }] }]);
    expect((await at.govctl(['policy', 'replay', '--candidate', await at.file('same.yaml', pack), '--last', 'ever'])).code).toBe(2);
    expect(await at.rows('govd', 'SELECT count(*) AS n FROM record')).toEqual(before);
  });

  it('reads a history of any length in pages, each decision once', async () => {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = JSON.parse((await at.http('GET', `/v1/decisions?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)).body) as {
        items: { decision_ref: string }[];
        next_cursor: string | null;
      };
      seen.push(...page.items.map(({ decision_ref }) => decision_ref));
      cursor = page.next_cursor;
    }
    const stored = await at.rows<{ ref: string }>('govd', "SELECT ref FROM record WHERE kind = 'decision' ORDER BY leaf_index DESC");
    expect(seen).toEqual(stored.map(({ ref }) => ref));
  });
});

describe('all of it', () => {
  it('leaves a log that verifies', async () => {
    expect((await at.govctl(['log', 'verify'])).code).toBe(0);
    expect(await at.json(['reconcile'])).toMatchObject({ clean: true });
  });
});
