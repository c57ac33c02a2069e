import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './postgres-server.fixture.ts';
import { embeddedSource, sourcesSql, unknownCatalogs } from './source.postgres.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server?.stop();
});

const form = /^[0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9][.][0-9]{6}Z$/;
const good = '2026-11-20T10:00:01.123456Z';

describe('the moment of a row that is text', () => {
  it('is taken in its one form, and in no other', async () => {
    const odd = fc.constantFrom(...'0123456789-T:.Z +٣é'.split(''));
    const edited = fc.tuple(fc.nat(good.length - 1), odd).map(([at, one]) => good.slice(0, at) + one + good.slice(at + 1));
    const texts = fc.sample(
      fc.oneof(
        edited,
        fc.string({ maxLength: 30 }).map((text) => text.replaceAll('\0', ' ')),
      ),
      2000,
    );
    texts.push(
      '',
      good,
      `${good}Z`,
      ` ${good}`,
      good.slice(0, -1),
      '2026-19-39T29:59:59.999999Z',
      '2026-20-01T00:00:00.000000Z',
      `${good}\n`,
    );
    const { fault } = sourcesSql(embeddedSource('births'), unknownCatalogs).birth_registry;
    const client = await server.connect('postgres');
    const { rows } = await client.query<{ born_at: string; fault: string | null }>(
      `SELECT born_at, ${fault} AS fault FROM (SELECT 'k'::text AS object_key, t COLLATE "C" AS born_at FROM unnest($1::text[]) AS t) AS raw`,
      [texts],
    );
    await client.end();
    expect(rows).toHaveLength(texts.length);
    for (const row of rows) expect([row.born_at, row.fault === null]).toEqual([row.born_at, form.test(row.born_at)]);
    expect(rows.filter((row) => row.fault === null).length).toBeGreaterThan(20);
  });
});
