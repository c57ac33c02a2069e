import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  buildInput,
  type DecisionDocument,
  decide,
  decisionDigest,
  type Facts,
  factsSchema,
  fromFactsFile,
  replayDecision,
  toFactsFile,
} from '@govctl/core/decision';
import type { EvidenceExport } from '@govctl/core/evidence';
import { compilePacks } from '@govctl/core/policy';
import type { PromotionDocument } from '@govctl/core/promotion';
import { decisionCases } from '@govctl/fixtures/decision/corpus.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { junit, requiredChecks } from './orders.ts';
import { storeKind } from './store.ts';

let at: Deployment;
beforeAll(async () => {
  at = await deploy();
  await at.start();
  for (const name of ['gdp-default', 'odd']) {
    const source = await readFile(join(import.meta.dirname, `../fixtures/policy/${name}.yaml`), 'utf8');
    await at.json(['policy', 'activate', await at.file(`${name}.yaml`, source)]);
  }
});
afterAll(async () => await at.remove());

/** Where no configuration and no daemon is. */
const nowhere = () => ({ GOVCTL_CONFIG: join(at.folder, 'nowhere.yaml'), GOVCTL_SOCKET: join(at.folder, 'nowhere.sock') });

const exits = { allow: 0, deny: 3, defer: 8 } as const;

/**
 * The digest of one and the same facts on every path that decides without recording. Offline is the program without any configuration
 * or daemon: a process the first time, in this one afterwards (`harness.ts`).
 */
async function digestsOf(name: string, facts: Facts, offlineToo = true): Promise<Readonly<Record<string, string>>> {
  const here = decide(buildInput(facts), compilePacks(facts.packs), facts.as_of);
  const file = await at.file(`facts/${name.replaceAll(/[^a-z0-9]+/gi, '-')}.json`, JSON.stringify(toFactsFile(facts)));
  const offline = offlineToo ? await decidedOffline(facts.request.dataset_id, file, exits[here.decision]) : undefined;
  const server = await at.http('POST', '/v1/decisions/evaluate', toFactsFile(facts));
  expect(server.status).toBe(200);
  // Of each answer the digest is computed again: what it says of itself may be wrong.
  const digest = (text: string) => {
    const decision = JSON.parse(text) as DecisionDocument;
    expect(decision.decision_digest).toBe(decisionDigest(decision));
    return decision.decision_digest;
  };
  return { here: decisionDigest(here), server: digest(server.body), ...(offline === undefined ? {} : { offline: digest(offline) }) };
}

async function decidedOffline(dataset: string, file: string, exit: number): Promise<string> {
  const argv = ['promote', dataset, '--dry-run=offline', '--facts', file, '-o', 'json'];
  const offline = await at.govctl(argv, { env: nowhere() });
  expect([offline.code, offline.stderr]).toEqual([exit, '']);
  return offline.stdout;
}

describe('the corpus', () => {
  const cases = decisionCases();

  it('is large enough to mean something', () => {
    expect(cases.length).toBeGreaterThanOrEqual(60);
    expect(new Set(cases.map(({ expect: { decision } }) => decision))).toEqual(new Set(['allow', 'deny', 'defer']));
  });

  it('has one digest a case: here, offline from a file, at the daemon, replayed', { timeout: 600_000 }, async () => {
    const queue = cases.entries();
    const differing: unknown[] = [];
    let compared = 0;
    const worker = async () => {
      for (const [index, { name, facts, expect: expected }] of queue) {
        // Facts from a file and no daemon: that is the same whichever store there is, and runs with the first.
        const digests = await digestsOf(`${index} ${name}`, facts, storeKind === 'sqlite');
        const body = decide(buildInput(facts), compilePacks(facts.packs), facts.as_of);
        // As a verifier does it: facts as they are stored, without sources, and the packs beside them.
        const bare = { ...facts, packs: facts.packs.map(({ name: pack, version, digest }) => ({ name: pack, version, digest })) };
        const sources = facts.packs.flatMap(({ source, ...ref }) => (source === undefined ? [] : [{ ...ref, source }]));
        const replayed = replayDecision(body, factsSchema.parse(JSON.parse(JSON.stringify(bare))), sources);
        const all = { ...digests, replay: replayed.replayed ? replayed.decision_digest : replayed.reason };
        if (body.decision !== expected.decision || new Set(Object.values(all)).size !== 1) differing.push({ name, ...all });
        compared += 1;
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    expect(differing).toEqual([]);
    expect(compared).toBe(cases.length);
  });

  it('is what govctl selftest parity holds a daemon to', async () => {
    const report = await at.json(['selftest', 'parity', '--snapshots', '0']);
    expect(report).toMatchObject({ kind: 'ParityReport', cases: cases.length, exact: cases.length, live: 0, differing: [] });
  });
});

type Scenario = {
  /** Also the dataset: each has its own. */
  readonly name: string;
  /** The contract's settings besides the usual ones; null for no contract at all. */
  readonly contract?: string | null;
  readonly layers?: readonly [from: string, to: string];
  /** What the tests said, JUnit or dbt by its first character: all passed just now when left out, nothing imported when null. */
  readonly report?: string | null;
  readonly content?: string;
  readonly flags?: (facts: () => Promise<Facts>) => Promise<readonly string[]> | readonly string[];
  /** Stands in for the snapshot that was made. */
  readonly snapshot?: string;
  readonly prepare?: (dataset: string, snapshot: string) => Promise<void>;
  readonly expect: readonly [decision: 'allow' | 'deny' | 'defer', gate?: string, reason_code?: string];
};

const run = (name: string) => `${name}-run`;
const zeros = `sha256:${'0'.repeat(64)}`;
const [first, second] = requiredChecks;
const report = (inside: string) =>
  `<testsuite name="t" timestamp="${new Date().toISOString()}"><testcase name="${first}">${inside}</testcase><testcase name="${second}"/></testsuite>`;
const dbt = (status: string) =>
  JSON.stringify({
    metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/run-results/v6.json' },
    results: requiredChecks.map((name, index) => ({
      unique_id: `test.shop.${name}.5f1c`,
      status: index === 0 ? status : 'pass',
      timing: [{ completed_at: new Date().toISOString() }],
    })),
  });

async function contractOf(dataset: string, extra: string): Promise<void> {
  const base: Record<string, string> = {
    apiVersion: 'govctl/v1',
    kind: 'Contract',
    contract_id: dataset,
    dataset_id: dataset,
    promotion_types: '[raw_to_gdp, gdp_to_kpi]',
    policy_packs: '[gdp-default]',
    required_checks: `[${requiredChecks.join(', ')}]`,
    min_quality_score: '0.95',
    requires_coverage: 'false',
  };
  for (const line of extra.split('\n').filter((text) => text !== '')) {
    const [key = '', ...value] = line.split(': ');
    base[key] = value.join(': ');
  }
  const yaml = Object.entries(base).map(([key, value]) => `${key}: ${value}\n`);
  await at.json(['contract', 'apply', '-f', await at.file(`${dataset}.yaml`, yaml.join(''))]);
}

/** A complete bundle for the request, as the kernel itself would build it, with something changed. */
async function bundleFile(name: string, facts: Facts, change: object): Promise<string[]> {
  const bundle: Record<string, unknown> = { ...buildInput(facts).bundle, ...change };
  for (const [key, value] of Object.entries(change)) if (value === undefined) delete bundle[key];
  return ['--evidence', await at.file(`${name}-bundle.json`, JSON.stringify(bundle))];
}

async function promote(dataset: string, snapshot: string, [from, to]: readonly [string, string] = ['RAW', 'GDP']): Promise<void> {
  await at.json(['promote', dataset, '--from', from, '--to', to, '--snapshot', snapshot]);
}

const hour = 3_600_000;
const scenarios: readonly Scenario[] = [
  { name: 'in-order', expect: ['allow'] },
  { name: 'to-kpi', layers: ['GDP', 'KPI'], prepare: promote, expect: ['allow'] },
  { name: 'score-suffices', contract: 'required_checks: []\nmin_quality_score: 0.5', report: report('<failure/>'), expect: ['allow'] },
  { name: 'own-bundle', flags: async (facts) => bundleFile('own-bundle', await facts(), {}), expect: ['allow'] },
  { name: 'no-contract', contract: null, expect: ['deny', 'quality', 'no-contract'] },
  { name: 'no-tests', report: null, expect: ['deny', 'quality', 'quality-empty'] },
  {
    name: 'missing',
    report: `<testsuite timestamp="${new Date().toISOString()}"><testcase name="${first}"/></testsuite>`,
    expect: ['deny', 'quality', 'quality-missing'],
  },
  { name: 'failed', report: report('<failure/>'), expect: ['deny', 'quality', 'quality-failed'] },
  { name: 'errored', report: report('<error/>'), expect: ['deny', 'quality', 'quality-error'] },
  { name: 'skipped', report: report('<skipped/>'), expect: ['deny', 'quality', 'quality-skipped'] },
  { name: 'not-evaluated', report: dbt('no-op'), expect: ['deny', 'quality', 'quality-not-evaluated'] },
  { name: 'warned', report: dbt('warn'), expect: ['deny', 'quality', 'quality-warned'] },
  { name: 'a-word-nobody-knows', report: dbt('fine'), expect: ['deny', 'quality', 'quality-error'] },
  {
    name: 'twice',
    report: report('').replace('</testsuite>', `<testcase name="${first}"/></testsuite>`),
    expect: ['deny', 'quality', 'quality-duplicate'],
  },
  {
    name: 'score-low',
    report: report('').replace('</testsuite>', '<testcase name="other"><failure/></testcase></testsuite>'),
    expect: ['deny', 'quality', 'quality-score-low'],
  },
  {
    name: 'score-claimed',
    flags: async (facts) => bundleFile('score-claimed', await facts(), { quality_score: 0.5 }),
    expect: ['deny', 'quality', 'quality-score-differs'],
  },
  {
    name: 'contradicted',
    report: report('<failure/>'),
    flags: async (facts) => {
      const { checks = [] } = buildInput(await facts()).bundle;
      return bundleFile('contradicted', await facts(), {
        checks: checks.map((check) => ({ ...check, status: 'passed' })),
        quality_score: 1,
      });
    },
    expect: ['deny', 'quality', 'quality-contradicted'],
  },
  {
    name: 'bundle-incomplete',
    flags: async (facts) => bundleFile('bundle-incomplete', await facts(), { inputs: undefined }),
    expect: ['deny', 'bundle-schema'],
  },
  {
    name: 'latest',
    flags: async (facts) => bundleFile('latest', await facts(), { inputs: [{ ref: 'latest', digest: zeros }] }),
    expect: ['deny', 'pinned-inputs'],
  },
  { name: 'stale', report: junit({ ranAt: '2020-01-01T00:00:00Z' }), expect: ['defer', 'freshness', 'evidence-stale'] },
  { name: 'undated', report: junit({ ranAt: null }), expect: ['defer', 'freshness', 'evidence-undated'] },
  {
    name: 'future',
    report: junit({ ranAt: new Date(Date.now() + 24 * hour).toISOString() }),
    expect: ['defer', 'freshness', 'evidence-from-the-future'],
  },
  {
    name: 'stale-and-failed',
    report: junit({ ranAt: '2020-01-01T00:00:00Z', failed: first }),
    expect: ['deny', 'quality', 'quality-failed'],
  },
  { name: 'unknown-snapshot', snapshot: 'no-such-snapshot', expect: ['deny', 'snapshot', 'snapshot-unknown'] },
  { name: 'foreign-snapshot', snapshot: 'in-order', expect: ['deny', 'snapshot', 'snapshot-of-another-dataset'] },
  { name: 'skips-a-layer', layers: ['RAW', 'KPI'], expect: ['deny', 'transition'] },
  { name: 'not-yet-gdp', layers: ['GDP', 'KPI'], expect: ['deny', 'transition', 'not-active-in-source'] },
  { name: 'step-not-promised', contract: 'promotion_types: [gdp_to_kpi]', expect: ['deny', 'transition'] },
  { name: 'other-policies', flags: () => ['--expected-policy-rev', zeros], expect: ['deny', 'policy-rev'] },
  { name: 'empty', content: '', expect: ['deny', 'rule:gdp-default/not-empty', 'rule-violated'] },
  { name: 'rule-breaks', contract: 'policy_packs: [odd]', expect: ['deny', 'rule:odd/divides-by-nothing', 'rule-error'] },
  { name: 'not-born', contract: 'requires_coverage: true', expect: ['defer', 'coverage', 'coverage-object-missing'] },
  {
    name: 'on-hold',
    prepare: async (dataset) => {
      const older = await snapshotOf(dataset, 'older', 'id\n0\n', junit());
      const newer = await snapshotOf(dataset, 'newer', 'id\n00\n', junit());
      await promote(dataset, older);
      await at.json(['promote', dataset, '--from', 'RAW', '--to', 'GDP', '--snapshot', newer, '--run-id', `${dataset}-bad`]);
      await at.json(['promotion', 'rollback', `${dataset}-bad`, '--reason', 'doubled rows', '--yes']);
    },
    expect: ['defer', 'quarantine', 'target-on-hold'],
  },
];

const made = new Map<string, string>();

async function snapshotOf(dataset: string, folder: string, content: string, results: string | null): Promise<string> {
  await at.file(join(dataset, folder, 'rows.csv'), content);
  const { snapshot_id } = await at.json<{ snapshot_id: string }>([
    'snapshot',
    'create',
    join(at.folder, dataset, folder),
    '--dataset',
    dataset,
  ]);
  if (results !== null) {
    const file = await at.file(join(dataset, `${folder}-results`), results);
    await at.json(['quality', 'import', results.startsWith('{') ? 'dbt' : 'junit', file, '--snapshot', snapshot_id]);
  }
  return snapshot_id;
}

/** The facts a run was decided from, as its evidence has them, with the sources of their packs. */
async function recordedFacts(runId: string, digest: string): Promise<{ facts: Facts; file: string }> {
  const file = join(at.folder, `${runId}-export.json`);
  await at.json(['evidence', 'export', runId, '-O', file]);
  const exported = JSON.parse(await readFile(file, 'utf8')) as EvidenceExport;
  const sources = new Map(exported.policies.map((pack) => [pack.digest, pack.source]));
  for (const { facts, envelope } of exported.records) {
    if (facts === null) continue;
    const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')) as { predicate: { decision_digest: string } };
    if (statement.predicate.decision_digest !== digest) continue;
    const parsed = factsSchema.parse(JSON.parse(facts));
    return { facts: { ...parsed, packs: parsed.packs.map((pack) => ({ ...pack, source: sources.get(pack.digest) })) }, file };
  }
  throw new Error(`no record of ${runId} has the digest ${digest}`);
}

/** Real, replayed, and the same facts on every other path: one digest. */
async function holdsParity(promotion: PromotionDocument): Promise<Facts> {
  const digest = promotion.decision?.decision_digest ?? '';
  const { facts, file } = await recordedFacts(promotion.run_id, digest);
  const replay = await at.govctl(['decision', 'replay', file, '--offline', '-o', 'json']);
  const replayed = JSON.parse(replay.stdout) as { equal: boolean; items: { decision_digest: string; replayed: boolean }[] };
  expect([replay.code, replayed.equal]).toEqual([0, true]);
  expect(replayed.items.filter((item) => item.replayed).map((item) => item.decision_digest)).toContain(digest);
  expect(await digestsOf(promotion.run_id, facts)).toEqual({ here: digest, offline: digest, server: digest });
  return facts;
}

/** Facts without what the clock and the tail change by themselves. */
function timeless({ as_of: _as_of, coverage, ...facts }: Facts) {
  return { ...facts, coverage: coverage === null ? null : { ...coverage, last_poll_at: null } };
}

describe('real promotions', () => {
  it.each(scenarios)('$name: $expect', { timeout: 240_000 }, async (scenario) => {
    const { name, contract = '', layers = ['RAW', 'GDP'], content = `id\n${name}\n` } = scenario;
    if (contract !== null) await contractOf(name, contract);
    const own = await snapshotOf(name, 'data', content, scenario.report === undefined ? junit() : scenario.report);
    made.set(name, own);
    await scenario.prepare?.(name, own);
    const snapshot = scenario.snapshot === undefined ? own : (made.get(scenario.snapshot) ?? scenario.snapshot);
    const asked = ['promote', name, '--from', layers[0], '--to', layers[1], '--snapshot', snapshot, '--run-id', run(name)];
    const saved = join(at.folder, `${name}-facts.json`);
    const savedFacts = async () => fromFactsFile(JSON.parse(await readFile(saved, 'utf8')));
    const flags = await scenario.flags?.(async () => {
      await at.govctl([...asked, '--dry-run', '--save-facts', saved]);
      return savedFacts();
    });
    const all = [...asked, ...(flags ?? [])];

    const [decision, gate, reason_code] = scenario.expect;
    const local = await at.json<DecisionDocument>([...all, '--dry-run', '--save-facts', saved], exits[decision]);
    expect(local).toMatchObject({ decision, parity: { tag: 'exact' } });
    if (gate !== undefined) {
      const answer = local.gates.find(({ code }) => code === gate);
      expect(answer?.outcome).toBe(decision === 'deny' ? 'fail' : 'defer');
      if (reason_code !== undefined) expect(answer?.reason_code).toBe(reason_code);
      const check = await at.govctl(['gate', 'check', gate, '--facts', saved], { env: nowhere() });
      expect(check.code).toBe(exits[decision]);
    }
    const dry = await savedFacts();

    const real = await at.json<PromotionDocument>(all, exits[decision]);
    expect(real.decision).toMatchObject({
      decision,
      gates: local.gates.map(({ code, outcome, reason_code: reason }) => ({ code, outcome, reason_code: reason })),
    });
    // What the gate saw is what the dry run had seen, and deciding it again gives what was signed.
    expect(timeless(await holdsParity(real))).toEqual(timeless(dry));
  });

  it('holds a pinned pack that is no longer active to the same answers', async () => {
    const dataset = 'pack-moved-on';
    await contractOf(dataset, '');
    const snapshot = await snapshotOf(dataset, 'data', 'id\n1\n', junit());
    const source = await readFile(join(at.folder, 'gdp-default.yaml'), 'utf8');
    const next = await at.file('gdp-next.yaml', source.replace('version: 1.0.0', 'version: 1.1.0'));
    const moved = await at.govctl(['policy', 'activate', next]);
    expect(moved.code).toBe(0);
    expect(moved.stderr).toContain(dataset);
    const promotion = await at.json<PromotionDocument>(
      ['promote', dataset, '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot, '--run-id', run(dataset)],
      8,
    );
    expect(promotion.waiting_on).toEqual(['rule:gdp-default']);
    await holdsParity(promotion);
    await at.json(['policy', 'activate', join(at.folder, 'gdp-default.yaml')]);
    expect((await at.govctl(['promotion', 'watch', promotion.run_id, '--timeout', '60s'])).code).toBe(0);
  });

  it('judges an actor by the grants of the key that asks', async () => {
    const dataset = 'not-granted';
    await contractOf(dataset, '');
    const snapshot = await snapshotOf(dataset, 'data', 'id\n1\n', junit());
    const key = join(at.folder, 'narrow.key');
    await at.json(['apikey', 'add', '--actor', 'SYSTEM::narrow', '--action', 'promotion.*', '--dataset', 'elsewhere', '-O', key]);
    const argv = ['promote', dataset, '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot, '--run-id', run(dataset), '-o', 'json'];
    const refused = await at.govctl(argv, { env: { GOVCTL_API_KEY_FILE: key } });
    expect(refused.code).toBe(3);
    const promotion = JSON.parse(refused.stdout) as PromotionDocument;
    expect(promotion.decision?.gates.find(({ code }) => code === 'actor')?.outcome).toBe('fail');
    await holdsParity(promotion);
  });

  it('a rollback is one, and the version it left is denied', async () => {
    const back = await at.json<PromotionDocument>(['promotion', 'ls', '--dataset', 'on-hold', '--limit', '10']);
    const { items } = back as unknown as { items: { run_id: string; run_kind: string; snapshot_id: string }[] };
    const rollback = items.find(({ run_kind }) => run_kind === 'rollback');
    expect((await holdsParity(await at.json(['promotion', 'get', rollback?.run_id ?? '']))).rollback).not.toBeNull();
    const left = items.find(({ run_id }) => run_id === 'on-hold-bad')?.snapshot_id ?? '';
    const again = await at.json<PromotionDocument>(['promote', 'on-hold', '--from', 'RAW', '--to', 'GDP', '--snapshot', left], 3);
    expect(again.decision?.gates.find(({ code }) => code === 'quarantine')?.reason_code).toBe('version-quarantined');
    await holdsParity(again);
  });

  it('are what selftest parity finds too, snapshot by snapshot', async () => {
    const report = await at.json<{ live: number; cases: number; exact: number }>(['selftest', 'parity', '--snapshots', '20']);
    expect(report.live).toBe(40);
    expect(report.exact).toBe(report.cases);
  });
});
