import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { buildReceipt } from './build.ts';
import { isDataBroken } from './data-trouble.ts';
import { receiptHtml } from './html.ts';
import {
  answer,
  clean,
  decided,
  deferredRun,
  deniedRun,
  everyReceipt,
  jobRun,
  manifestOf,
  promotedRun,
  quality,
  rolledBackRun,
  sourcesOf,
} from './receipt.fixture.ts';
import { receiptDocument, receiptLimits } from './receipt.ts';
import { remoteAssist } from './remote-assist.ts';
import { furtherHelp, furtherReason, stepNotes } from './said-once.ts';
import type { ReceiptRun, ReceiptSources } from './source.ts';

const receiptOf = (run: ReceiptRun, more: Partial<ReceiptSources> = {}) => buildReceipt(sourcesOf(run, more));

describe('the receipt of a run', () => {
  it.each(Object.entries(everyReceipt))('%s: fits its schema, says all of it, and is the same every time', (_name, sources) => {
    const receipt = buildReceipt(sources);
    expect(receiptDocument.parse(receipt)).toEqual(receipt);
    expect(JSON.stringify(buildReceipt(structuredClone(sources)))).toBe(JSON.stringify(receipt));
    // One sentence that ends, and one thing to do.
    expect(receipt.verdict.sentence).toMatch(/^[A-Za-z0-9].*\.$/);
    expect(receipt.next.what).not.toBe('');
  });

  it.each<[ReceiptRun, string, string, RegExp]>([
    [promotedRun(), 'good', 'Promoted', /^orders was promoted from RAW to GDP: every gate/],
    [rolledBackRun(), 'good', 'Rolled back', /^orders GDP is back on its last verified version/],
    [deniedRun(), 'bad', 'Denied', /^orders was not promoted to GDP, and nothing changed: unique_orders_id is failed/],
    [deniedRun({ decision: { ...decided([], 'deny'), decided_by: 'timeout' } }), 'bad', 'Denied', /the time to wait ran out\.$/],
    [deniedRun({ decision: decided([quality, answer('freshness', 'fail')], 'deny') }), 'bad', 'Denied', /1 more gate does not hold\.$/],
    [deferredRun(), 'wait', 'Waiting', /^orders is not promoted to GDP yet: 0 of 2 approvals are given\.$/],
    [promotedRun({ phase: 'GOVERNANCE_CHECK', status: 'paused' }), 'wait', 'Paused', /not promoted to GDP yet/],
    [
      promotedRun({ phase: 'FINALIZING', status: 'incomplete', waiting_on: ['witnesses'] }),
      'wait',
      'Almost done',
      /waits for witnesses\.$/,
    ],
    [promotedRun({ phase: 'EXECUTING', status: 'running' }), 'wait', 'Under way', /not final/],
    [promotedRun({ phase: 'FAILED', status: 'cancelled' }), 'plain', 'Cancelled', /nothing changed/],
    [promotedRun({ phase: 'FAILED', status: 'failed' }), 'bad', 'Failed', /nothing changed/],
    [promotedRun({ phase: 'FAILED', status: 'pending_audit' }), 'bad', 'Failed', /the store did not carry it out/],
    [promotedRun({ phase: 'FAILED', status: 'retry' }), 'plain', 'Run again', /another one takes its place/],
  ])('%# says how it ended in a word and a sentence', (run, tone, word, sentence) => {
    const { verdict } = receiptOf(run);
    expect([verdict.tone, verdict.word]).toEqual([tone, word]);
    expect(verdict.sentence).toMatch(sentence);
  });

  it('of a job names the step that was left out, and the one thing to do about it', () => {
    const receipt = receiptOf(jobRun(), { manifest: manifestOf(4) });
    expect(receipt.verdict).toMatchObject({ tone: 'wait', word: 'Completed in part' });
    expect(receipt.verdict.sentence).toMatch(/^3 of 4 steps were done and infer was skipped: The file has no column/);
    expect(receipt.next).toMatchObject({ what: expect.stringMatching(/^Export the invoices again/), command: null });
    expect(receipt.steps.map(({ status }) => status)).toEqual(['success', 'success', 'skipped', 'success']);
    const whole = { steps: manifestOf(4).steps.slice(0, 2), digest: null };
    expect(receiptOf(jobRun(), { manifest: whole }).verdict).toMatchObject({ tone: 'good', word: 'Completed' });
    const failed = {
      step: 'load',
      status: 'failed',
      started: null,
      ended: null,
      exit_code: 3,
      output_digest: null,
      reason: 'exit 3',
    } as const;
    const broke = receiptOf(jobRun({ phase: 'FAILED', status: 'failed' }), { manifest: { steps: [failed], digest: null } });
    expect(broke.verdict.sentence).toBe('The job of acme-spend did not finish: load failed (exit 3).');
    const halted = receiptOf(
      jobRun({ phase: 'FAILED', status: 'failed', reason: 'step load would exceed the budget: 8 of 5 cost units' }),
      {
        manifest: { steps: whole.steps, digest: null },
      },
    );
    expect(halted.verdict.sentence).toBe('The job of acme-spend did not finish: step load would exceed the budget: 8 of 5 cost units.');
  });

  it('tells a reader each thing once', () => {
    const broken = { status: 'skipped', reason: 'input-empty', takeaway: 'It is empty.', next_action: 'Export it again.' } as const;
    const row = { started: null, ended: null, exit_code: null, output_digest: null };
    const steps = [...manifestOf(2).steps.slice(0, 1), { step: 'detect', ...broken, ...row }, { step: 'infer', ...broken, ...row }];
    const part = receiptOf(jobRun(), { manifest: { steps, digest: null } });
    expect(part.verdict.sentence).toMatch(/^1 of 3 steps was done and 2 were skipped: It is empty\.$/);
    expect(part.next.what).toBe('Export it again.');
    expect(stepNotes(part).map(({ takeaway, next_action }) => [takeaway, next_action])).toEqual([
      [null, null],
      ['It is empty.', null],
      ['For the same reason as detect.', null],
    ]);

    const failed = { step: 'train', status: 'failed', ...row, exit_code: 3, reason: 'exit code 3' } as const;
    const cause = 'step train failed: exit code 3';
    const over = receiptOf(jobRun({ phase: 'FAILED', status: 'failed', reason: cause, decision: null }), {
      manifest: { steps: [failed], digest: null },
      lesson: { cause, next_action: 'govctl run logs r' },
    });
    expect([stepNotes(over)[0]?.takeaway, furtherHelp(over), furtherReason(over)]).toEqual([null, null, null]);
    expect(receiptHtml(over).split('govctl run logs r<')).toHaveLength(2);
  });

  it('says of a denied job that it ran, and of a stopped one why', () => {
    const ended = (more: Partial<ReceiptRun>) => receiptOf(jobRun({ phase: 'FAILED', ...more })).verdict.sentence;
    expect(ended({ status: 'failed_policy', decision: decided([quality], 'deny') })).toMatch(
      /^What the job of acme-spend made does not count: unique_orders_id is failed/,
    );
    expect(ended({ status: 'cancelled', decision: null, reason: 'wrong month.' })).toBe(
      'The job of acme-spend did not finish: it was ended on request (wrong month).',
    );
  });

  it('says of each gate what it asks there: those of a job are not those of a promotion', () => {
    const none = answer('pinned-inputs', 'fail');
    const asks = (run: ReceiptRun) => receiptOf(run).decision?.gates.find(({ code }) => code === 'pinned-inputs')?.asks;
    expect(asks(jobRun({ decision: decided([none], 'deny') }))).toBe('Was every input pinned by its digest?');
    expect(asks(deniedRun({ decision: decided([none], 'deny') }))).toContain('none of them "latest"');
  });

  it('of a paused run says what becomes of it, who may resume it, and how', () => {
    const pause: NonNullable<ReceiptRun['pause']> = {
      reason: 'manual_pause',
      detail: 'month end',
      paused_by: 'HUMAN::ana',
      paused_at: '2026-11-26T19:00:00.000Z',
      expires_at: '2026-11-26T20:00:00.000Z',
      timeout: 'TERMINATE',
      authorities: ['tenant_admin', 'api_key_owner'],
      warned_at: null,
      escalated_at: null,
      lock_key: null,
    };
    const open = { phase: 'EXECUTING', status: 'paused', decision: null } as const;
    const receipt = receiptOf(jobRun({ ...open, pause }));
    expect(receipt.verdict.sentence).toBe(
      'The job of acme-spend is not done yet: it is paused (manual pause) and goes on when somebody resumes it; if nobody has by 26 Nov 2026, 20:00:00 UTC, it ends.',
    );
    expect(receipt.next).toMatchObject({
      who: 'tenant_admin or api_key_owner',
      command: `govctl run resume ${receipt.run_id} --reason TEXT`,
    });
  });

  it('offers to decide again only what was decided', () => {
    const commands = (run: ReceiptRun) => receiptOf(run).evidence?.verify.map(({ command }) => command) ?? [];
    expect(commands(promotedRun())).toContainEqual(expect.stringContaining('decision replay'));
    expect(commands(jobRun({ phase: 'FAILED', status: 'failed', decision: null, decision_ref: null }))).toEqual([
      expect.stringContaining('evidence export'),
      expect.stringContaining('evidence verify'),
    ]);
  });

  it('has one next step: the first that mends, the audit that is owed, or nothing', () => {
    expect(receiptOf(deniedRun()).next.command).toBe(quality.resolve?.command);
    expect(receiptOf(deferredRun()).next.command).toBe('govctl promotion approve orders-42 --reason TEXT');
    expect(receiptOf(promotedRun()).next.command).toBe('govctl evidence export orders-42 -O orders-42.json');
    expect(receiptOf(rolledBackRun()).next).toMatchObject({ who: 'data-platform', command: 'govctl audit close audit-3 --reason TEXT' });
    expect(receiptOf(rolledBackRun(), { audit_closed: true }).next.command).toMatch(/^govctl evidence export/);
    expect(receiptOf(promotedRun({ phase: 'FAILED', status: 'cancelled', decision: null })).next.command).toBeNull();
    expect(receiptOf(promotedRun({ phase: 'GOVERNANCE_CHECK', status: 'paused' })).next.command).toBe(
      'govctl promotion resume orders-42 --reason TEXT',
    );
    const stale = { ...clean, status: 'STALE', stale_run: true, is_clean: false } as const;
    expect(receiptOf(deferredRun(), { audit: stale }).next.command).toBe('govctl reconcile --run orders-42');
  });

  it('puts what decided it first, and counts the rest', () => {
    const warned = answer('rule:gdp-default/late', 'not_required', { resolve: { who: 'nobody', command: 'govctl gate ls' } });
    const { decision } = receiptOf(deniedRun({ decision: decided([warned, quality], 'deny') }));
    expect(decision?.gates.slice(0, 3).map(({ standing }) => standing)).toEqual(['blocks', 'kept_out', 'passed']);
    expect(decision?.counts).toEqual({ pass: 7, fail: 1, defer: 0, not_required: 4 });
  });

  it('stays finite whatever the run did', () => {
    const long = '<"&'.repeat(50_000);
    const many = <T>(item: T) => Array.from({ length: 500 }, () => item);
    const gate = answer(long, 'fail', { reason: long, expected: long, actual: long, resolve: { who: long, command: long } });
    const [skipped] = manifestOf(4).steps.slice(2);
    const signal = { name: long, digest: `sha256:${'0'.repeat(64)}`, count: 1 };
    const step = {
      ...skipped,
      step: long,
      status: 'skipped',
      takeaway: long,
      next_action: long,
      reason: long,
      signals: many(signal),
    } as const;
    const run = deniedRun({
      run_id: long,
      dataset_id: long,
      reason: long,
      decision: decided(many(gate), 'deny'),
      phases: many(deniedRun().phases).flat(),
    });
    const receipt = buildReceipt(
      sourcesOf(run, {
        manifest: { steps: many({ ...step, started: null, ended: null, exit_code: null, output_digest: null }), digest: null },
        segments: many({ n: 1, policy_rev: null, config_digest: null, from: run.created_at }),
        audit: { ...clean, missing_actions: many(long), drift_actions: many(long) },
        undone: many({ domain: long, action: long, rollback_reason: long, at: run.created_at }),
        watch: { title: long, items: many({ id: long, watch: long, why: long, sign: long }) },
      }),
    );
    expect(receiptDocument.safeParse(receipt).error).toBeUndefined();
    expect([receipt.steps_left_off, receipt.decision?.gates_left_off]).toEqual([500 - receiptLimits.steps, 510 - receiptLimits.gates]);
    expect(receipt.watch?.items).toHaveLength(receiptLimits.watch);
    expect(receipt.technical.phases_left_off).toBe(3000 - receiptLimits.phases);
    expect(Buffer.byteLength(JSON.stringify(receipt))).toBeLessThan(512 * 1024);
    // Every character of it escaped.
    expect(Buffer.byteLength(receiptHtml(receipt))).toBeLessThan(1024 * 1024);
  });
});

describe('help with broken data', () => {
  it('is offered when the data is not what it should be, and not when something else is', () => {
    expect(isDataBroken(deniedRun(), [])).toBe(true);
    expect(isDataBroken(promotedRun(), manifestOf(4).steps)).toBe(true);
    expect(isDataBroken(deferredRun(), [])).toBe(false);
    expect(isDataBroken(promotedRun({ decision: null }), manifestOf(2).steps.slice(0, 1))).toBe(false);
  });

  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const ask = { issuer: 'govd.example/orders', trace_id: '0af7651916cd43dd8448eb211c80319c', since: '2026-11-26T19:44:52.500Z' };
  const place = { url: 'https://help.example.com/data', expiryMs: 3_600_000 };
  const link = (now: string) => remoteAssist(place, ask, { kid: 'k1', key: privateKey }, now);

  it('is a signed reference that says nothing, expires, and is not renewed by looking', async () => {
    const first = await link('2026-11-26T19:45:00.000Z');
    expect(await link('2026-11-26T20:30:00.000Z')).toEqual(first);
    expect(first?.expires_at).toBe('2026-11-26T20:44:52.000Z');
    const url = new URL(first?.url ?? '');
    expect([url.origin, url.pathname]).toEqual(['https://help.example.com', '/data']);
    const { payload, protectedHeader } = await jwtVerify(url.searchParams.get('ref') ?? '', publicKey, {
      issuer: ask.issuer,
      audience: 'https://help.example.com',
      typ: 'govctl-assist+jwt',
      currentDate: new Date('2026-11-26T20:00:00Z'),
    });
    expect(protectedHeader.kid).toBe('k1');
    expect(Object.keys(payload).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'sub']);
    expect(payload.sub).toBe(ask.trace_id);
    expect(await link('2026-11-26T20:44:52.000Z')).toBeNull();
  });
});
