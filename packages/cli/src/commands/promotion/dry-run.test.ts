import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodes, Problem } from '@govctl/core/api';
import { type DecisionDocument, toFactsFile } from '@govctl/core/decision';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decisionCases } from '../../../../../fixtures/decision/corpus.ts';
import { fakeClient } from '../../command.fixture.ts';
import { asked, bodies, evaluation, factsOf, programIn } from './promotion.fixture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-promote-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));
const govctl = programIn(() => folder);

const allowed = factsOf('raw to gdp, everything in order');
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

  it('is shown to build servers in their formats', async () => {
    const facts = factsOf('a deny outweighs every defer');
    const client = fakeClient({ 'promotion.evaluate': () => evaluation(facts) });
    const sarif = await govctl([...asked, '--dry-run', '-o', 'sarif'], client);
    const { runs } = sarif.json<{ runs: { results: { ruleId: string; level: string }[] }[] }>();
    expect(runs[0]?.results.filter(({ level }) => level === 'error').map(({ ruleId }) => ruleId)).toEqual(['quality']);
    const junit = await govctl([...asked, '--dry-run', '-o', 'junit'], client);
    expect(junit.stdout).toContain('failures="5"');
    const github = await govctl([...asked, '--dry-run', '-o', 'github'], client);
    expect(github.stdout).toMatch(/^::error title=quality /m);
    expect([sarif.code, junit.code, github.code]).toEqual([3, 3, 3]);
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
