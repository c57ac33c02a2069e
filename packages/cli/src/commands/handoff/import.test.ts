import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { BirthLineInput } from '@govctl/core/handoff';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changelog } from '../../../../../fixtures/changelog/index.ts';
import { fakeClient, fakeContext } from '../../command.fixture.ts';
import { run } from './import.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const noFlags = { format: undefined, permit: undefined, reason: undefined, skipBad: false, rejects: undefined, dryRun: false };
const lines = (rows: number) => [...changelog({ rows })].map((line) => JSON.stringify(line));

/** A registry that keeps what it is sent, and may fail at the n-th request. */
function registry(failAt = Number.POSITIVE_INFINITY) {
  const kept: BirthLineInput[] = [];
  let requests = 0;
  const client = fakeClient({
    'birth.permit': () => ({
      schemaVersion: 'govctl/v1',
      kind: 'BirthPermit',
      permit_id: 'bulk-1',
      permit_kind: 'bulk',
      object_key: null,
      object_type: null,
      max_births: null,
      reason: 'x',
      issued_at: '2026-11-21T03:00:00.000Z',
      issued_by: 'HUMAN::t',
      expires_at: null,
      evidence_ref: null,
    }),
    'birth.add': ({ body }) => {
      requests += 1;
      if (requests === failAt) throw new Error('the connection broke');
      kept.push(...(body.lines as BirthLineInput[]));
      const count = (change: string) => body.lines.filter((line) => line.change === change).length;
      return {
        schemaVersion: 'govctl/v1',
        kind: 'BirthReceipt',
        born: count('BORN'),
        changed: count('CHANGED'),
        retired: count('RETIRED'),
        already: 0,
        permit_id: 'bulk-1',
      };
    },
  });
  return { client, kept, requests: () => requests };
}

async function importing(content: string | Buffer, flags: Partial<Parameters<typeof run>[2]> = {}, name = 'births.ndjson') {
  writeFileSync(join(folder, name), content);
  const source = registry();
  const { context, stderr } = fakeContext({ client: source.client, cwd: folder });
  const result = await run(context, { file: name }, { ...noFlags, ...flags }).catch((error: unknown) => error);
  return { result, ...source, stderr };
}

describe('a file', () => {
  it.each(['plain', 'gzip'])('goes line by line, in batches, %s', async (how) => {
    const texts = lines(6_000);
    const content = Buffer.from(`${texts.join('\r\n')}\n`);
    const { result, kept, requests } = await importing(how === 'gzip' ? gzipSync(content) : content);
    expect(kept.map((line) => JSON.stringify(line))).toEqual(texts);
    expect(requests()).toBeGreaterThan(1);
    expect(result).toMatchObject({ document: { kind: 'HandoffImport', lines: 6_000, rejected: 0, permit_id: 'bulk-1' } });
  });

  it('is not imported at all when a line is bad; every bad line is named', async () => {
    const texts = lines(50);
    texts.splice(10, 0, '{"change":"BORN"}', 'not json', '');
    const { result, client } = await importing(texts.join('\n'));
    expect(client.calls).toEqual([]);
    expect(result).toMatchObject({ code: 'usage', reasons: [{ path: 'line 11' }, { path: 'line 12' }] });
  });

  it('is imported without its bad lines on demand, which are told, kept and an exit code of their own', async () => {
    const texts = lines(50);
    texts.splice(10, 0, '{"change":"BORN"}');
    const { result, kept, stderr } = await importing(texts.join('\n'), { skipBad: true, rejects: 'bad.ndjson' });
    expect(kept).toHaveLength(50);
    expect(result).toMatchObject({ exit: 'findings', document: { lines: 50, rejected: 1 } });
    expect(stderr()).toContain('line 11');
    expect(JSON.parse(readFileSync(join(folder, 'bad.ndjson'), 'utf8'))).toMatchObject({ line: 11, text: '{"change":"BORN"}' });
  });

  it('is only checked in a dry run', async () => {
    const { result, client } = await importing(lines(20).join('\n'), { dryRun: true });
    expect(client.calls).toEqual([]);
    expect(result).toMatchObject({ document: { dry_run: true, lines: 20 } });
  });

  it('uses the permit that is given, and asks for none when nothing is born', async () => {
    const changes = lines(400).filter((line) => !line.includes('BORN'));
    expect((await importing(changes.join('\n'))).client.calls.map((call) => call.name)).toEqual(['birth.add']);
    const given = await importing(lines(5).join('\n'), { permit: 'p-7' });
    expect(given.client.calls).toMatchObject([{ name: 'birth.add', input: { body: { permit_id: 'p-7' } } }]);
  });

  it.each([
    ['zero bytes', Buffer.from([0x7b, 0, 1, 2, 10]), 'binary'],
    ['a picture', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'binary'],
    ['gzip that ends too early', gzipSync(lines(3_000).join('\n')).subarray(0, 4_000), 'does not unpack'],
    ['gzip of zero bytes', gzipSync(Buffer.alloc(100)), 'binary'],
  ])('is refused when it is %s, before anything is sent', async (_what, content, reason) => {
    const { result, client } = await importing(content);
    expect(result).toMatchObject({ code: 'usage', message: expect.stringContaining(reason) });
    expect(client.calls).toEqual([]);
  });

  it('tells a later line that is not UTF-8, or has no end, by its number', async () => {
    const good = lines(3);
    const content = Buffer.concat([
      Buffer.from(`${good.join('\n')}\n`),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from(`{"a":"${'x'.repeat(300_000)}"}\n${good[0]}\n`),
    ]);
    const { result } = await importing(content);
    expect(result).toMatchObject({
      reasons: [
        { path: 'line 4', message: 'not UTF-8' },
        { path: 'line 5', message: expect.stringContaining('longer') },
      ],
    });
  });

  it('may be csv', async () => {
    const csv =
      'object_key,change,born_at,object_type,payload\nt/1,BORN,2026-01-01T00:00:00Z,tables,"{""a"":1}"\nt/1,RETIRED,2026-01-02T00:00:00Z,tables,\n';
    const { kept } = await importing(csv, {}, 'x.csv');
    expect(kept).toEqual([
      { change: 'BORN', object_key: 't/1', object_type: 'tables', born_at: '2026-01-01T00:00:00.000000Z', payload: { a: 1 } },
      { change: 'RETIRED', object_key: 't/1', object_type: 'tables', born_at: '2026-01-02T00:00:00.000000Z' },
    ]);
  });
});

describe('standard input', () => {
  it('ends at the first bad line and says how much is registered', async () => {
    const texts = lines(30);
    texts.splice(20, 0, 'not json');
    const { client, kept } = registry();
    const { context } = fakeContext({ client, stdin: texts.join('\n') });
    await expect(run(context, { file: '-' }, noFlags)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('line 21'),
    });
    expect(kept).toHaveLength(20);
  });

  it('passes a failure of the daemon on', async () => {
    const { client, kept } = registry(2);
    const { context } = fakeContext({ client, stdin: lines(6_000).join('\n') });
    await expect(run(context, { file: '-' }, noFlags)).rejects.toThrow('the connection broke');
    expect(kept.length).toBe(1_000);
  });
});
