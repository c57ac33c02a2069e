import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildReceipt } from './build.ts';
import { hostileTexts } from './hostile.fixture.ts';
import { receiptHtml } from './html.ts';
import { contentPolicy, receiptHeaders } from './policy.ts';
import { answer, assist, decided, deniedRun, everyReceipt, manifestOf, sourcesOf } from './receipt.fixture.ts';
import type { ReceiptSources } from './source.ts';

const vectors = process.env.GOVCTL_VECTORS ?? resolve(import.meta.dirname, '../../../../../shared/vectors');
const naughty = join(vectors, 'blns/blns.json');
const naughtyTexts = existsSync(naughty) ? (JSON.parse(readFileSync(naughty, 'utf8')) as string[]) : [];

/** A receipt in which every text is this one. */
function saying(text: string): ReceiptSources {
  const gate = answer(text, 'fail', { reason: text, expected: text, actual: text, resolve: { who: text, command: text } });
  const steps = manifestOf(4).steps.map((step) => ({
    ...step,
    step: text,
    reason: text,
    takeaway: text,
    next_action: text,
    signals: [{ name: text, digest: `sha256:${'0'.repeat(64)}`, count: 1 }],
  }));
  const run = deniedRun({
    run_id: text,
    tenant_id: text,
    dataset_id: text,
    from_layer: text,
    to_layer: text,
    snapshot_id: text === '' ? 'none' : text,
    reason: text,
    supersedes: text,
    rolls_back: text,
    trace_id: text,
    decision: decided([gate], 'deny'),
    pending_audit: { audit_id: text, owner: text, due_at: '2026-11-27T00:00:00.000Z' },
    approvals: [
      {
        approval_id: text,
        verdict: 'reject',
        actor_id: text,
        role: text,
        reason: text,
        overrides: [text],
        given_at: '2026-11-26T00:00:00.000Z',
        expires_at: '2026-11-27T00:00:00.000Z',
        used_by: null,
        evidence_ref: `sha256:${'0'.repeat(64)}`,
      },
    ],
  });
  return sourcesOf(run, {
    requested_by: text,
    deployment: { environment: text, service_release_id: text, log: text },
    manifest: { steps, digest: null },
    audit: { status: 'INCOMPLETE', missing_actions: [text], drift_actions: [text], stale_run: false, is_clean: false, findings: [] },
    incident: { incident_id: text, severity: text, state: text, error_code: text },
    lesson: { cause: text, next_action: text },
    watch: { title: text, items: [{ id: text, watch: text, why: text, sign: text }] },
    remote_assist: assist,
  });
}

/** Only the markup: names of tags and attributes, in order, and the values that are ours. */
function skeleton(page: string): string[] {
  const body = page.replace(/<style>[\s\S]*<\/style>/, '<style></style>');
  return [...body.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/ (href|datetime|content)="[^"]*"/g, ' $1'));
}

const calm = skeleton(receiptHtml(buildReceipt(saying('calm'))));

describe('the page', () => {
  it.each(Object.entries(everyReceipt))(
    '%s: has no script, asks for nothing, and is styled by the one sheet its policy names',
    (name, sources) => {
      const page = receiptHtml(buildReceipt(sources));
      expect(page).not.toMatch(/<script|<iframe|<form|<object|<embed|<base|\son[a-z]+=|\sstyle=|javascript:|@import|url\(/i);
      // The only addresses are the icon, which is in the page, and the link to help.
      const addresses = [...page.matchAll(/\b(?:href|src|action|srcset|poster)="([^"]*)"/g)].map(([, address]) => address ?? '');
      expect(addresses.filter((address) => !address.startsWith('data:image/svg+xml,'))).toEqual(
        sources.remote_assist == null ? [] : [assist.url],
      );
      const sheet = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? '';
      expect(contentPolicy).toContain(`style-src 'sha256-${createHash('sha256').update(sheet).digest('base64')}'`);
      expect(page).toContain(`http-equiv="Content-Security-Policy" content="${contentPolicy.replaceAll("'", '&#39;')}"`);
      expect(page, name).toMatch(/<title>[^<]+<\/title>/);
    },
  );

  it('is nobody’s frame and is kept by nobody, by its headers', () => {
    expect(receiptHeaders['content-security-policy']).toBe(`${contentPolicy}; frame-ancestors 'none'`);
    expect(contentPolicy.split('; ').map((directive) => directive.split(' ')[0])).toEqual([
      'default-src',
      'style-src',
      'img-src',
      'base-uri',
      'form-action',
    ]);
    expect(receiptHeaders).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
  });

  it('says in words and in shape what it says in colour', () => {
    for (const sources of Object.values(everyReceipt)) {
      const receipt = buildReceipt(sources);
      const page = receiptHtml(receipt);
      expect(page).toContain(`<h1>${receipt.verdict.word}</h1>`);
      expect(page).toContain(`<svg class="mark ${receipt.verdict.tone}"`);
    }
  });

  it.each(hostileTexts.map((text) => [text.slice(0, 40), text]))('shows %j as text, whoever says it', (_shown, text) => {
    const page = receiptHtml(buildReceipt(saying(text)));
    expect(skeleton(page)).toEqual(calm);
    expect(page.isWellFormed()).toBe(true);
    // Nothing that steers a reader, in or out of markup.
    expect(page).not.toMatch(/(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/u);
  });

  it.skipIf(naughtyTexts.length === 0 && process.env.CI === undefined)('shows the big list of naughty strings as text', () => {
    expect(naughtyTexts.length).toBeGreaterThan(400);
    for (const text of naughtyTexts) expect(skeleton(receiptHtml(buildReceipt(saying(text)))), text).toEqual(calm);
  });
});
