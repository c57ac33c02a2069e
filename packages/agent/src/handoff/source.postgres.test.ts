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

const odd = fc.constantFrom(...'0123456789-T:.Z +٣é'.split(''));
const edited = fc.tuple(fc.nat(good.length - 1), odd).map(([at, one]) => good.slice(0, at) + one + good.slice(at + 1));
const { fault, all_formed } = sourcesSql(embeddedSource('births'), unknownCatalogs).birth_registry;

async function ask<Row extends object>(sql: string, params: readonly unknown[]): Promise<Row[]> {
  const client = await server.connect('postgres');
  try {
    return (await client.query<Row>(sql, [...params])).rows;
  } finally {
    await client.end();
  }
}

describe('the moment of a row that is text', () => {
  it('is taken in its one form, and in no other', async () => {
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
    const rows = await ask<{ born_at: string; fault: string | null }>(
      `SELECT born_at, ${fault('false')} AS fault FROM (SELECT 'k'::text AS object_key, t COLLATE "C" AS born_at FROM unnest($1::text[]) AS t) AS raw`,
      [texts],
    );
    expect(rows).toHaveLength(texts.length);
    for (const row of rows) expect([row.born_at, row.fault === null]).toEqual([row.born_at, form.test(row.born_at)]);
    expect(rows.filter((row) => row.fault === null).length).toBeGreaterThan(20);
  });

  it('is judged for a whole batch as it is row by row', async () => {
    const rotated = fc.nat(good.length).map((at) => good.slice(at) + good.slice(0, at));
    const batches = fc.sample(
      fc.array(fc.oneof({ weight: 6, arbitrary: fc.constant(good) }, edited, rotated), { minLength: 1, maxLength: 5 }),
      1000,
    );
    // Together they have the form, each for itself they have not.
    batches.push([good.slice(0, 20), good.slice(20)], [`${good}${good.slice(0, 1)}`, good.slice(1)], [`${good}${good}`]);
    const rows = await ask<{ batch: number; known: boolean }>(
      `SELECT batch, ${all_formed} AS known FROM (SELECT (b ->> 'batch')::int AS batch, (b ->> 'born_at')::text COLLATE "C" AS born_at
        FROM json_array_elements($1::json) AS b) AS raw GROUP BY batch`,
      [JSON.stringify(batches.flatMap((batch, at) => batch.map((born_at) => ({ batch: at, born_at }))))],
    );
    const judged = new Map(rows.map(({ batch, known }) => [batch, known]));
    for (const [at, batch] of batches.entries()) expect([batch, judged.get(at)]).toEqual([batch, batch.every((text) => form.test(text))]);
    expect([...judged.values()].filter(Boolean).length).toBeGreaterThan(50);
  });
});
