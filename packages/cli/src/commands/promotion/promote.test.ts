import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodes, Problem, routeList } from '@govctl/core/api';
import type { DecisionDocument } from '@govctl/core/decision';
import { toFactsFile } from '@govctl/core/decision';
import type { PromotionDocument } from '@govctl/core/promotion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decisionCases } from '../../../../../fixtures/decision/corpus.ts';
import type { Client } from '../../client/client.ts';
import { type FakeClient, fakeClient, fakeStreams } from '../../command.fixture.ts';
import { runProgram } from '../../run.ts';
import { promoteCommand } from './declaration.ts';
import { decided, evaluation, factsOf, promotionOf } from './promotion.fixture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-promote-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const allowed = factsOf('raw to gdp, everything in order');
const asked = ['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', 'orders-1', '--tenant', 'default'];

/** The whole program, with a stand-in for the daemon. */
async function govctl(argv: readonly string[], client: Client = fakeClient(), env: Record<string, string> = {}) {
  const captured = fakeStreams();
  const code = await runProgram([promoteCommand], argv, {
    streams: captured.streams,
    env,
    cwd: folder,
    signal: new AbortController().signal,
    now: () => new Date('2026-11-21T12:00:00.000Z'),
    client,
  });
  return { code, stdout: captured.stdout(), stderr: captured.stderr(), json: <T>() => JSON.parse(captured.stdout()) as T };
}

const bodies = (client: FakeClient) => client.calls.map(({ input }) => (input as { body: Readonly<Record<string, unknown>> }).body);

const codeOf = { allow: exitCodes.ok.code, deny: exitCodes.deny.code, defer: exitCodes.defer.code };

describe('promote --dry-run', () => {
  it('decides every case of the corpus here as the daemon did, and exits by the verdict', async () => {
    for (const { name, facts, expect: expected } of decisionCases()) {
      const client = fakeClient({ 'promotion.evaluate': () => evaluation(facts) });
      const { code, json } = await govctl([...asked, '--dry-run', '-o', 'json'], client);
      const document = json<DecisionDocument>();
      expect([name, code, document.parity]).toEqual([name, codeOf[expected.decision], { tag: 'exact', differs: [] }]);
      expect(document).toMatchObject({ kind: 'Decision', decision: expected.decision, dry_run: true });
      expect(client.calls.map((call) => call.name)).toEqual(['promotion.evaluate']);
    }
  });

  it('asks for the rules with the facts, and shows what govd decided with =server', async () => {
    const client = fakeClient({ 'promotion.evaluate': () => evaluation(allowed, { decision_digest: `sha256:${'0'.repeat(64)}` }) });
    const server = await govctl([...asked, '--dry-run=server', '-o', 'json'], client);
    expect(server.json()).toMatchObject({ decision: 'allow', decision_digest: `sha256:${'0'.repeat(64)}` });
    expect(server.json()).not.toHaveProperty('parity');
    await govctl([...asked, '--dry-run'], client);
    expect(bodies(client).map((body) => body.with_sources)).toEqual([false, true]);
  });

  it('tells kernel, policy and facts that differ apart', async () => {
    const tagOf = async (change: Partial<DecisionDocument>) => {
      const client = fakeClient({ 'promotion.evaluate': () => evaluation(allowed, change) });
      return (await govctl([...asked, '--dry-run', '-o', 'json'], client)).json<DecisionDocument>().parity?.tag;
    };
    const other = `sha256:${'0'.repeat(64)}`;
    expect(await tagOf({ kernel_version: '99' })).toBe('kernel-skew');
    expect(await tagOf({ policy_rev: other })).toBe('policy-skew');
    expect(await tagOf({ input_digest: other })).toBe('facts-skew');
    expect(await tagOf({ decision_digest: other })).toBe('kernel-skew');
  });

  it('does not decide with rules that are not the pinned ones', async () => {
    const [pack] = allowed.packs;
    const tampered = { ...allowed, packs: allowed.packs.map((one) => ({ ...one, source: `${pack?.source}# edited` })) };
    const client = fakeClient({ 'promotion.evaluate': () => ({ ...evaluation(allowed), facts: tampered }) });
    const { code, stderr } = await govctl([...asked, '--dry-run'], client);
    expect(code).toBe(exitCodes.integrity.code);
    expect(stderr).toContain('error[integrity]');
  });

  it('judges as of another moment, on both sides', async () => {
    const facts = factsOf('raw to gdp, everything in order');
    const later = '2026-12-24T12:00:00.000Z';
    const client = fakeClient({ 'promotion.evaluate': () => evaluation(facts, {}, later) });
    const { code, json } = await govctl([...asked, '--dry-run', '--effective-time', '2026-12-24T13:00:00+01:00', '-o', 'json'], client);
    expect(client.calls[0]?.input).toMatchObject({ body: { effective_time: later } });
    expect(json()).toMatchObject({ decision: 'defer', valid_from: later, waiting_on: ['freshness'], parity: { tag: 'exact' } });
    expect(code).toBe(exitCodes.defer.code);
  });

  it('explains on request, in the document too', async () => {
    const facts = factsOf('a required check failed');
    const client = fakeClient({ 'promotion.evaluate': () => evaluation(facts) });
    const { json } = await govctl([...asked, '--dry-run', '--explain', '-o', 'json'], client);
    expect(json()).toMatchObject({ explanation: { denied_by: [{ code: 'quality' }], next: [{ code: 'quality' }] } });
    const table = await govctl([...asked, '--dry-run', '--explain'], client);
    expect(table.stdout).toContain('Are the required checks present');
  });

  it('says what the daemon refuses, with its exit code and nothing on stdout', async () => {
    const client = fakeClient({
      'promotion.evaluate': () => {
        throw new Problem('run-id-reused', { detail: 'run_id r belongs to another request', hint: 'use a new --run-id' });
      },
    });
    const { code, stdout, stderr } = await govctl([...asked, '--dry-run', '-o', 'json'], client);
    expect([code, stdout]).toEqual([exitCodes.conflict.code, '']);
    expect(JSON.parse(stderr)).toMatchObject({ kind: 'Problem', code: 'run-id-reused' });
  });
});

describe('promote --save-facts and --dry-run=offline', () => {
  it('gives the same decision from the file alone, for every case, asking nobody', async () => {
    for (const { name, facts, expect: expected } of decisionCases()) {
      await rm(join(folder, 'facts.json'), { force: true });
      const client = fakeClient({ 'promotion.evaluate': () => evaluation(facts) });
      const online = await govctl([...asked, '--dry-run', '--save-facts', 'facts.json', '-o', 'json'], client);
      const nobody = fakeClient();
      const offline = await govctl(
        ['promote', facts.request.dataset_id, '--dry-run=offline', '--facts', 'facts.json', '-o', 'json'],
        nobody,
      );
      expect([name, offline.code]).toEqual([name, codeOf[expected.decision]]);
      const { parity: _parity, ...decision } = online.json<DecisionDocument>();
      expect(offline.json()).toEqual(decision);
      expect(nobody.calls).toEqual([]);
    }
  });

  it('keeps facts for their owner only, whatever stood there before', async () => {
    const path = join(folder, 'open.json');
    await writeFile(path, 'old', { mode: 0o644 });
    const client = fakeClient({ 'promotion.evaluate': () => evaluation(allowed) });
    const { stderr } = await govctl([...asked, '--dry-run=server', '--save-facts', 'open.json'], client);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(JSON.parse(JSON.stringify(toFactsFile(allowed))));
    expect(stderr).toContain('--dry-run=offline --facts open.json');
  });

  it('needs no configuration: a broken one does not matter offline', async () => {
    await writeFile(join(folder, 'broken.yaml'), ': :');
    await writeFile(join(folder, 'facts.json'), JSON.stringify(toFactsFile(allowed)));
    const { code } = await govctl(['promote', 'orders', '--dry-run=offline', '--facts', 'facts.json', '--config', 'broken.yaml']);
    expect(code).toBe(0);
  });

  it.each([
    ['another dataset', 'customers', []],
    ['another layer', 'orders', ['--to', 'KPI']],
    ['another snapshot', 'orders', ['--snapshot', 'other']],
    ['another tenant', 'orders', ['--tenant', 'other']],
  ])('refuses facts about %s', async (_what, dataset, flags) => {
    await writeFile(join(folder, 'facts.json'), JSON.stringify(toFactsFile(allowed)));
    const { code, stderr } = await govctl(['promote', dataset, '--dry-run=offline', '--facts', 'facts.json', ...flags]);
    expect(code).toBe(exitCodes.usage.code);
    expect(stderr).toContain('holds facts about');
  });

  it.each([
    ['is not there', undefined],
    ['is not JSON', '{"kind": "Facts",'],
    ['is not facts', '{"schemaVersion": "govctl/v1", "kind": "Facts"}'],
    ['has a field nobody knows', JSON.stringify({ ...toFactsFile(allowed), unheard: 1 })],
    ['has a name twice', '{"kind": "Facts", "kind": "Facts"}'],
  ])('refuses a file that %s', async (_what, text) => {
    await rm(join(folder, 'bad.json'), { force: true });
    if (text !== undefined) await writeFile(join(folder, 'bad.json'), text);
    const { code, stdout, stderr } = await govctl(['promote', 'orders', '--dry-run=offline', '--facts', 'bad.json']);
    expect([code, stdout]).toEqual([exitCodes.usage.code, '']);
    expect(stderr).toContain('fix:');
  });

  it('says that facts without rules cannot show what the rules say', async () => {
    const bare = { ...allowed, packs: allowed.packs.map(({ source: _source, ...pack }) => pack) };
    await writeFile(join(folder, 'bare.json'), JSON.stringify(toFactsFile(bare)));
    const { code, stderr } = await govctl(['promote', 'orders', '--dry-run=offline', '--facts', 'bare.json']);
    expect(stderr).toContain('do not carry the rules of gdp-default');
    expect(code).toBe(exitCodes.deny.code);
  });
});

describe('promote: flags that contradict each other', () => {
  it.each([
    ['--facts', 'f.json'],
    ['--save-facts', 'f.json'],
    ['--effective-time', '2026-12-24T12:00:00Z'],
  ])('%s does not turn a promotion into a dry run, or the other way round', async (...flag) => {
    const { code, stderr } = await govctl([...asked, ...flag]);
    expect(code).toBe(exitCodes.usage.code);
    expect(stderr).toContain('fix: add --dry-run');
  });

  it.each([
    [['--dry-run', '--wait']],
    [['--dry-run', '--facts', 'f.json']],
    [['--dry-run=server', '--facts', 'f.json']],
    [['--dry-run=offline']],
    [['--dry-run=offline', '--facts', 'f.json', '--evidence', 'b.json']],
    [['--dry-run=offline', '--facts', 'f.json', '--run-id', 'r']],
    [['--dry-run=somewhere']],
    [['--from', 'BRONZE']],
    [['--job', 'job.yaml']],
  ])('%j is wrong usage, and nothing is asked', async (flags) => {
    const { code, stdout, stderr } = await govctl([...asked, ...flags]);
    expect([code, stdout]).toEqual([exitCodes.usage.code, '']);
    expect(stderr).toMatch(/^error\[usage\]/);
  });

  it('names what is missing', async () => {
    const { code, stderr } = await govctl(['promote', 'orders', '--from', 'RAW']);
    expect(code).toBe(exitCodes.usage.code);
    expect(stderr).toContain('--to, --snapshot must be given');
  });
});

describe('promote', () => {
  const answering = (...answers: PromotionDocument[]) => {
    const [first, ...later] = answers;
    if (first === undefined) throw new Error('an answer is needed');
    return fakeClient({ 'promotion.request': () => first, 'promotion.get': () => later.shift() ?? answers.at(-1) ?? first });
  };
  const deferred = promotionOf(factsOf('another run holds the target'));

  it('sends what was asked, closed, and exits by the decision', async () => {
    const sent = answering(promotionOf(allowed));
    const { code, json } = await govctl(
      [...asked, '--run-id', 'run-1', '--expected-policy-rev', `sha256:${'a'.repeat(64)}`, '-o', 'json'],
      sent,
    );
    expect(code).toBe(0);
    expect(json()).toMatchObject({ kind: 'Promotion', run_id: 'run-1', active: { generation: 1 } });
    const [body] = bodies(sent);
    expect(body).toEqual({
      run_id: 'run-1',
      dataset_id: 'orders',
      tenant_id: 'default',
      from_layer: 'RAW',
      to_layer: 'GDP',
      snapshot_id: 'orders-1',
      expected_policy_rev: `sha256:${'a'.repeat(64)}`,
    });
    expect(routeList['promotion.request'].body.safeParse(body).success).toBe(true);
    expect((await govctl(asked, answering(promotionOf(factsOf('a required check failed'))))).code).toBe(exitCodes.deny.code);
    expect((await govctl(asked, answering(deferred))).code).toBe(exitCodes.defer.code);
  });

  it('makes a run_id that sorts by time, shows it, and takes that of a bundle', async () => {
    const client = answering(promotionOf(allowed));
    const { stderr } = await govctl(asked, client);
    const run_id = bodies(client)[0]?.run_id;
    expect(run_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab]/);
    expect(stderr).toContain(`run_id: ${run_id}`);
    await writeFile(join(folder, 'bundle.json'), '{"run_id": "run-of-the-bundle"}');
    await govctl([...asked, '--evidence', 'bundle.json'], client);
    expect(client.calls[1]?.input).toMatchObject({ body: { run_id: 'run-of-the-bundle', evidence: { run_id: 'run-of-the-bundle' } } });
  });

  it.each([['[]'], ['{"a": 1'], ['3']])('refuses %s as an evidence bundle', async (text) => {
    await writeFile(join(folder, 'bundle.json'), text);
    const { code } = await govctl([...asked, '--evidence', 'bundle.json']);
    expect(code).toBe(exitCodes.usage.code);
  });

  it('waits for the end, and exits by how the run ended', async () => {
    const ends: [PromotionDocument, number][] = [
      [promotionOf(allowed), exitCodes.ok.code],
      [{ ...deferred, phase: 'FAILED', status: 'failed_policy' }, exitCodes.deny.code],
      [{ ...deferred, phase: 'FAILED', status: 'cancelled' }, exitCodes.failed.code],
      [{ ...deferred, phase: 'FAILED', status: 'failed' }, exitCodes.failed.code],
    ];
    for (const [end, expected] of ends) {
      const { code, json } = await govctl([...asked, '--wait', '-o', 'json'], answering(deferred, deferred, end));
      expect([end.status, code]).toEqual([end.status, expected]);
      expect(json()).toMatchObject({ status: end.status });
    }
  });

  it('says what is unmet when the time ran out, and shows the run as it is', async () => {
    const { code, stdout, stderr } = await govctl([...asked, '--wait', '--timeout', '200ms'], answering(deferred));
    expect(code).toBe(exitCodes.timeout.code);
    expect(stdout).toMatch(/^deferred: orders RAW -> GDP/);
    expect(stderr).toContain('single-writer (');
    expect(stderr).toContain(`govctl promotion watch ${deferred.run_id}`);
  });

  it('does not claim to know what became of a request whose connection broke', async () => {
    const client = fakeClient({
      'promotion.request': () => {
        throw new Problem('unreachable', { detail: 'govd closed the connection in the middle of it' });
      },
    });
    const { code, stderr } = await govctl([...asked, '--run-id', 'run-1'], client);
    expect(code).toBe(exitCodes.unreachable.code);
    expect(stderr).toContain('whether run-1 was accepted is not known');
    expect(stderr).toContain('sending it again with --run-id run-1 is safe');
  });

  it('shows a person the same on a terminal and in a pipe, but for decoration', async () => {
    const facts = factsOf('everything wrong at once');
    const plain = await govctl(asked, answering(promotionOf(facts)));
    const colored = await govctl(asked, answering(promotionOf(facts)), { FORCE_COLOR: '1' });
    const ansi = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
    expect(colored.stdout).toMatch(ansi);
    expect(colored.stdout.replace(ansi, '')).toBe(plain.stdout);
    for (const gate of decided(facts).gates.filter(({ outcome }) => outcome === 'fail' || outcome === 'defer')) {
      expect(plain.stdout).toContain(gate.code);
      expect(plain.stdout).toContain(gate.reason);
      expect(plain.stdout).toContain(gate.resolve?.command);
    }
  });
});
