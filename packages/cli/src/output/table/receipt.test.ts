import { buildReceipt, receiptHtml } from '@govctl/core/receipt';
import { describe, expect, it } from 'vitest';
import { hostileTexts } from '../../../../core/src/receipt/hostile.fixture.ts';
import { deniedRun, everyReceipt, promotedRun, sourcesOf } from '../../../../core/src/receipt/receipt.fixture.ts';
import { createPaint } from '../paint.ts';
import { columnsOf } from '../wrap.ts';
import { receiptText } from './receipt.ts';

const plainPaint = await createPaint(false);

function textOf(name: string, columns: number, details = false): string {
  const sources = everyReceipt[name];
  if (sources === undefined) throw new Error(`no receipt ${name}`);
  return receiptText(buildReceipt(sources), { paint: plainPaint, columns, details });
}

/** What is never broken, so that it can be copied: a command, an address, a digest. */
const unbroken = /^\s*(govctl |https:|sha256:)/;

describe('the receipt on a terminal', () => {
  it.each(Object.keys(everyReceipt))('%s: reads as it is kept in golden/', async (name) => {
    await expect(textOf(name, 80, true)).toMatchFileSnapshot(`golden/receipt-${name}.txt`);
  });

  it('is folded and narrow as it is kept in golden/', async () => {
    await expect(textOf('job', 40)).toMatchFileSnapshot('golden/receipt-job-40-columns.txt');
  });

  it.each([40, 41, 60, 80, 133, 200])('fits %i columns, but for what is there to be copied', (columns) => {
    for (const name of Object.keys(everyReceipt)) {
      const text = textOf(name, columns, true);
      const long = text.split('\n').filter((line) => columnsOf(line) > columns && !unbroken.test(line));
      expect(long).toEqual([]);
      expect(text).not.toMatch(/[ \t]$/m);
    }
  });

  it('says of a run that is done what went wrong all the same, and what changed while it ran', () => {
    const segment = {
      n: 1,
      policy_rev: `sha256:${'a'.repeat(64)}`,
      config_digest: `sha256:${'7'.repeat(64)}`,
      from: '2026-11-21T03:00:00.000Z',
    };
    const segments = [segment, { ...segment, n: 2, config_digest: `sha256:${'8'.repeat(64)}` }];
    const incident = { incident_id: 'incident-1', severity: 'high', state: 'open', error_code: 'trace-lost' };
    const receipt = buildReceipt(sourcesOf(promotedRun(), { segments, incident }));
    expect(receipt.next.command).toBe('govctl incident get incident-1');
    const text = receiptText(receipt, { paint: plainPaint, columns: 80, details: true });
    for (const shown of [text, receiptHtml(receipt)]) {
      expect(shown).toContain(segments[1]?.config_digest);
      expect(shown).not.toContain(segment.config_digest);
    }
    expect(buildReceipt(sourcesOf(promotedRun(), { incident: { ...incident, state: 'resolved' } })).next.command).toContain(
      'evidence export',
    );
  });

  it('says the same with and without colour', async () => {
    const colors = await import('../color.ts');
    for (const sources of Object.values(everyReceipt)) {
      const receipt = buildReceipt(sources);
      const painted = receiptText(receipt, { paint: colors.colors(), columns: 80, details: true });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours are made of
      expect(painted.replace(/\u001b\[[0-9;]*m/g, '')).toBe(receiptText(receipt, { paint: plainPaint, columns: 80, details: true }));
    }
  });

  it.each(hostileTexts.map((text) => [text.slice(0, 40), text]))('%j moves nothing on the terminal', (_shown, text) => {
    const receipt = buildReceipt(sourcesOf(deniedRun({ run_id: text, dataset_id: text, reason: text }), { requested_by: text }));
    const shown = receiptText(receipt, { paint: plainPaint, columns: 60, details: true });
    expect(shown).not.toMatch(/(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u);
    expect(shown.split('\n').filter((line) => columnsOf(line) > 60 && !unbroken.test(line) && !/^\s*\S+$/.test(line))).toEqual([]);
  });
});
