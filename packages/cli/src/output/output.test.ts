import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyDocument } from '../command.fixture.ts';
import { formatField } from './field.ts';
import { formatJson, formatNdjson } from './json.ts';
import { namesOf } from './name.ts';
import { createPaint } from './paint.ts';
import { renderTable } from './table/table.ts';
import { cellText, plain } from './table/text.ts';

describe('json', () => {
  it('keeps every value and puts the envelope first', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (fields) => {
        const { kind: _kind, schemaVersion: _version, ...rest } = fields;
        const document = { ...rest, kind: 'X', schemaVersion: 'govctl/v1' };
        const text = formatJson(document);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(document)));
        expect(text.startsWith('{\n  "schemaVersion": "govctl/v1",\n  "kind": "X"') || /^\{\n {2}"\d+":/.test(text)).toBe(true);
        expect(formatNdjson(document).indexOf('\n')).toBe(formatNdjson(document).length - 1);
      }),
    );
  });
});

describe('fields', () => {
  it('refuses what is not a path', () => {
    for (const path of ['', '.', 'a..b', 'a[', 'a[x]', '[0'])
      expect(() => formatField({ a: 1 }, path), path).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('does not reach into prototypes', () => {
    for (const path of ['constructor', '__proto__', 'a.toString', 'list.length'])
      expect(() => formatField({ a: {}, list: [] }, path), path).toThrow();
  });
});

describe('names', () => {
  it('are the ids of what a list holds', () => {
    expect(
      namesOf(
        anyDocument('PromotionList', {
          items: [
            { run_id: 'r1', dataset_id: 'd' },
            { run_id: 'r2', dataset_id: 'd' },
          ],
        }),
      ),
    ).toEqual(['r1', 'r2']);
    expect(namesOf(anyDocument('SnapshotList', { items: [{ dataset_id: 'd', snapshot_id: 's' }] }))).toEqual(['s']);
    expect(namesOf(anyDocument('DatasetList', { items: [{ tenant_id: 't', dataset_id: 'd' }] }))).toEqual(['d']);
    expect(namesOf(anyDocument('ApiKey', { key_id: 'k', actor_id: 'a' }))).toEqual(['k']);
    expect(namesOf(anyDocument('Empty', {}))).toEqual([]);
  });
});

describe('tables', () => {
  it('shows any document', async () => {
    const text = await renderTable(
      anyDocument('Thing', {
        name: 'a',
        missing: null,
        deep: { flag: true, list: [1, 2] },
        rows: [{ code: 'X', nested: { a: 1 } }, { code: 'Y' }],
        next_cursor: 'c',
      }),
      false,
    );
    expect(text).toContain('name     a\n');
    expect(text).toContain('missing  -\n');
    expect(text).toContain('deep\n  flag  true\n  list  1, 2\n');
    expect(text).toContain('rows\n  CODE\n  X\n  Y\n');
    expect(text).toContain('more: --cursor c\n');
    expect(await renderTable(anyDocument('NoList', { items: [] }), false)).toBe('none\n');
  });

  it('names a quarantined row as retry and discard take it', async () => {
    const row = { source: 'birth_registry', object_key: 't/bad', attempts: 1, first_seen_at: 'T1', last_attempt_at: null, reason: null };
    const open = { resolved_at: null, resolved_by: null };
    const text = await renderTable(
      anyDocument('HandoffQuarantineList', {
        items: [
          { ...row, ...open, id: 42, state: 'faulty', error: 'born_at is rubbish' },
          { ...row, ...open, id: 43, state: 'waiting', error: 'waits behind' },
        ],
        counts: { faulty: 1, waiting: 1, retrying: 0, applied: 0, discarded: 0 },
        next_cursor: null,
      }),
      false,
    );
    expect(text).toMatch(/^birth_registry\/42 .* govctl handoff quarantine retry birth_registry\/42 --reason TEXT$/m);
    expect(text).toMatch(/^birth_registry\/43 .*waits behind[^-]*$/m);
    expect(text.endsWith('1 faulty, 1 waiting\n')).toBe(true);
  });

  it('colour changes decoration only', async () => {
    const document = anyDocument('Anything', { decision: 'deny', items: [{ outcome: 'pass' }] });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is removed
    const bare = (await renderTable(document, true)).replace(/\u001b\[\d+m/g, '');
    expect(bare).toBe(await renderTable(document, false));
    expect(await renderTable(document, true)).not.toBe(bare);
  });

  it('a name cannot paint the terminal', async () => {
    const evil = '\u001b]0;owned\u0007\u001b[2J\u202eabc\r';
    expect(plain(evil)).toBe('\\u001b]0;owned\\u0007\\u001b[2J\\u202eabc\\u000d');
    expect(
      await renderTable(
        anyDocument('X', { items: [{ name: evil, list: [evil] }], more: { [evil]: evil }, [evil]: { a: 1 }, odd: [{ [evil]: 1 }] }),
        false,
      ),
    ).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
    expect(cellText([evil])).not.toContain('\u001b');
  });

  it('without colour no escape is written', async () => {
    const paint = await createPaint(false);
    expect(paint.bad('x') + paint.good('x') + paint.strong('x')).toBe('xxx');
  });
});
