import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCodes, Problem, routeList } from '@govctl/core/api';
import { addressed } from '@govctl/core/decision';
import type { PromotionDocument } from '@govctl/core/promotion';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeClient } from '../../command.fixture.ts';
import { asked, bodies, decided, factsOf, programIn, promotionOf } from './promotion.fixture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-promote-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));
const govctl = programIn(() => folder);

const allowed = factsOf('raw to gdp, everything in order');

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
    [['--dry-run=offline', '--facts', 'f.json', '--job', 'job.yaml']],
    [['--dry-run', '--out', 'plan.json', '--job', 'job.yaml']],
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
    const { gates, subject, run_id } = decided(facts);
    for (const gate of addressed(gates, { ...subject, run_id }).filter(({ outcome }) => outcome === 'fail' || outcome === 'defer')) {
      expect(plain.stdout).toContain(gate.code);
      expect(plain.stdout).toContain(gate.reason);
      expect(plain.stdout).toContain(gate.resolve?.command);
    }
  });
});
