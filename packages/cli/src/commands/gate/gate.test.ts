import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildInput, decide, gateList, toFactsFile } from '@govctl/core/decision';
import { compilePacks } from '@govctl/core/policy';
import { decisionCases, fixturePack } from '@govctl/fixtures/decision/corpus.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeClient } from '../../command.fixture.ts';
import { evaluation, programIn } from '../promotion/promotion.fixture.ts';
import { gateCommands } from './declaration.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-gate-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));
const govctl = programIn(() => folder, gateCommands);

const cases = decisionCases();
const exits = { pass: 0, not_required: 0, fail: 3, defer: 8 } as const;

describe('gate check', () => {
  it('exits by the one gate, whatever the others say', async () => {
    // One case of each outcome a gate can have, for every gate that has it.
    const seen = new Set<string>();
    for (const { facts } of cases) {
      for (const { code, outcome } of decide(buildInput(facts), compilePacks(facts.packs), facts.as_of).gates) {
        if (seen.has(`${code} ${outcome}`)) continue;
        seen.add(`${code} ${outcome}`);
        await writeFile(join(folder, 'facts.json'), JSON.stringify(toFactsFile(facts)));
        const { code: exit, stdout } = await govctl(['gate', 'check', code, '--facts', 'facts.json', '-o', 'json']);
        expect([code, outcome, exit]).toEqual([code, outcome, exits[outcome]]);
        expect(JSON.parse(stdout)).toMatchObject({ kind: 'GateCheck', code, outcome });
      }
    }
    expect(seen.size).toBeGreaterThan(50);
  });

  it('asks govd about a promotion, and records nothing', async () => {
    const facts = cases.find(({ expect: { fail } }) => fail.quality === 'quality-missing')?.facts;
    if (facts === undefined) throw new Error('no such case');
    const client = fakeClient({ 'promotion.evaluate': () => evaluation(facts) });
    const argv = ['gate', 'check', 'quality', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', 'orders-1'];
    const { code, stdout } = await govctl(argv, client);
    expect(code).toBe(3);
    expect(stdout).toContain('Are the required checks present');
    expect(stdout).toContain('fix       govctl quality import');
    expect(client.calls.map(({ name }) => name)).toEqual(['promotion.evaluate']);
    expect((await govctl([...argv, '-o', 'github'], client)).stdout).toMatch(/^::error title=quality \(quality-missing\)::/);
    const other = await govctl(['gate', 'check', 'qualty', ...argv.slice(3)], client);
    expect([other.code, other.stdout]).toEqual([2, '']);
    expect(other.stderr).toContain('quality, freshness');
  });

  it.each([
    [['quality']],
    [['quality', 'orders', '--from', 'RAW', '--to', 'GDP']],
    [['quality', 'orders', '--facts', 'facts.json']],
    [['quality', '--snapshot', 'S', '--facts', 'facts.json']],
    [['quality', '--facts', 'no-such-file.json']],
  ])('%j is wrong usage, and nothing is asked', async (argv) => {
    await writeFile(join(folder, 'facts.json'), JSON.stringify(toFactsFile(cases[0]?.facts as never)));
    const { code, stdout } = await govctl(['gate', 'check', ...argv]);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('gate explain', () => {
  it('knows every gate, with an example of passing and of whatever comes otherwise', async () => {
    // Asked of nobody in this version.
    const idle = new Set(['subscription', 'compatibility']);
    for (const { code, asks, otherwise } of gateList) {
      const { code: exit, stdout } = await govctl(['gate', 'explain', code, '-o', 'json']);
      expect(exit).toBe(0);
      const explained = JSON.parse(stdout) as { asks: string; answers: { outcome: string; reason_code: string; resolve: unknown }[] };
      expect(explained.asks).toBe(asks);
      const outcomes = new Set(explained.answers.map(({ outcome }) => outcome));
      expect(explained.answers.filter(({ outcome, resolve }) => (outcome === 'fail' || outcome === 'defer') && resolve === null)).toEqual(
        [],
      );
      if (idle.has(code)) continue;
      expect([code, outcomes.has('pass')]).toEqual([code, true]);
      if (otherwise.startsWith('deny')) expect([code, outcomes.has('fail')]).toEqual([code, true]);
      if (otherwise.includes('defer')) expect([code, outcomes.has('defer')]).toEqual([code, true]);
    }
  });

  it('looks a rule up in its pack', async () => {
    const { ref, source } = fixturePack('gdp-default');
    const client = fakeClient({
      'policy.get': () => ({
        schemaVersion: 'govctl/v1',
        kind: 'PolicyPack',
        ...ref,
        active: true,
        stored_at: '2026-11-21T00:00:00.000Z',
        source,
      }),
    });
    const { code, stdout } = await govctl(['gate', 'explain', 'rule:gdp-default/not-empty'], client);
    expect(code).toBe(0);
    expect(stdout).toContain('snapshot.file_count > 0 && snapshot.total_bytes > 0');
    expect((await govctl(['gate', 'explain', 'rule:gdp-default/nothing'], client)).code).toBe(11);
    const none = await govctl(['gate', 'explain', 'qualty']);
    expect([none.code, none.stderr.includes('quality, freshness')]).toEqual([2, true]);
  });
});
