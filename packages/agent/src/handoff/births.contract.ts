import { expect, it } from 'vitest';
import type { AdmittedLine, Births } from './birth-admission.ts';

/** Births of one store, to be looked at through `births.<table>`. */
export type BirthsBench = AsyncDisposable & {
  readonly births: Births;
  readonly now: () => string;
  rows(sql: string): Promise<unknown[]>;
};

const moment = '2026-11-20T10:00:01.000001Z';
const line = { change: 'BORN' as const, object_key: 'dot_tools/crm', object_type: 'dot_tools', born_at: moment };
const single = {
  permit_id: 'p1',
  kind: 'single' as const,
  object_key: 'dot_tools/crm',
  object_type: 'dot_tools',
  max_births: null,
  reason: 'test',
  issued_at: moment,
  issued_by: 'HUMAN::t',
  expires_at: null,
};
const bulk = { ...single, permit_id: 'bulk', kind: 'bulk' as const, object_key: null, object_type: null };

/** What every writer of births does, whatever it writes to. */
export function birthsContract(open: () => Promise<BirthsBench>): void {
  const add = async (bench: BirthsBench, lines: readonly AdmittedLine[]) => await bench.births.add(lines, bench.now());
  const under = (permit_id: string, more: object = {}) => [{ ...line, ...more, permit_id }];

  it('refuses a birth without a permit, with an unknown one, and with one of another object or type', async () => {
    await using bench = await open();
    await expect(add(bench, [line])).rejects.toThrow('refused');
    await expect(add(bench, under('nope'))).rejects.toThrow('refused');
    await bench.births.issue(single);
    await expect(add(bench, under('p1', { object_key: 'dot_tools/other' }))).rejects.toThrow('refused');
    await expect(add(bench, under('p1', { object_type: 'tables' }))).rejects.toThrow('refused');
    expect(await bench.rows('SELECT * FROM births.birth_registry')).toEqual([]);
    expect(await add(bench, under('p1'))).toEqual({ born: 1, changed: 0, retired: 0, already: 0 });
  });

  it('issues a permit once', async () => {
    await using bench = await open();
    await bench.births.issue(single);
    await expect((async () => await bench.births.issue(single))()).rejects.toMatchObject({ code: 'conflict' });
  });

  it('uses a single permit up, and answers the same request again without doing it again', async () => {
    await using bench = await open();
    await bench.births.issue(single);
    await add(bench, under('p1'));
    expect(await add(bench, under('p1'))).toEqual({ born: 0, changed: 0, retired: 0, already: 1 });
    await expect(add(bench, under('p1', { born_at: '2026-11-20T11:00:00.000000Z' }))).rejects.toThrow('refused');
  });

  it('refuses an expired permit, and a bulk permit beyond its number, also within one request', async () => {
    await using bench = await open();
    await bench.births.issue({ ...single, expires_at: '2020-01-01T00:00:00.000Z' });
    await expect(add(bench, under('p1'))).rejects.toThrow('refused');
    await bench.births.issue({ ...bulk, permit_id: 'b', max_births: 2 });
    const many = [1, 2, 3].map((n) => ({ ...line, object_key: `k/${n}`, permit_id: 'b' }));
    await expect(add(bench, many)).rejects.toThrow('1 of 3 lines');
    expect((await add(bench, many.slice(1))).born).toBe(2);
    await expect(add(bench, many.slice(0, 1))).rejects.toThrow('refused');
  });

  it('names every refused line and leaves no trace of the others, not even an id', async () => {
    await using bench = await open();
    await bench.births.issue(bulk);
    const lines = [
      { ...line, permit_id: 'bulk' },
      { ...line, object_key: 'no/permit' },
      { ...line, object_key: 'also/none' },
    ];
    await expect(add(bench, lines)).rejects.toMatchObject({ code: 'unprocessable', reasons: [{ path: 'lines.1' }, { path: 'lines.2' }] });
    await add(bench, under('bulk'));
    expect(await bench.rows('SELECT birth_id FROM births.birth_registry')).toEqual([{ birth_id: 1 }]);
    expect(await bench.rows('SELECT id, change FROM births.registry_changelog')).toEqual([{ id: 1, change: 'BORN' }]);
  });

  it('counts what is known already and gives out no id for it, also within one request', async () => {
    await using bench = await open();
    await bench.births.issue(bulk);
    const [born] = under('bulk');
    if (born === undefined) throw new Error('no line');
    const change = { ...born, change: 'CHANGED' as const };
    expect(await add(bench, [born, change, change, born])).toEqual({ born: 1, changed: 1, retired: 0, already: 2 });
    expect(await add(bench, [change, born])).toEqual({ born: 0, changed: 0, retired: 0, already: 2 });
    expect(await add(bench, [{ ...born, change: 'RETIRED' as const }])).toMatchObject({ retired: 1 });
    expect(await bench.rows('SELECT id, change FROM births.registry_changelog ORDER BY id')).toEqual([
      { id: 1, change: 'BORN' },
      { id: 2, change: 'CHANGED' },
      { id: 3, change: 'RETIRED' },
    ]);
    expect(await bench.rows('SELECT birth_count FROM births.birth_permit')).toEqual([{ birth_count: 1 }]);
  });

  it('refuses the same birth under another type instead of dropping it silently', async () => {
    await using bench = await open();
    await bench.births.issue(bulk);
    await add(bench, under('bulk'));
    await expect(add(bench, under('bulk', { object_type: 'tables' }))).rejects.toThrow('refused');
  });

  it('keeps key, microseconds and payload as they came', async () => {
    await using bench = await open();
    await bench.births.issue(bulk);
    const payload = { text: 'ö "quoted" \\ \u0001 :now', list: [1, null] };
    await add(bench, under('bulk', { object_key: "t/ö'\\:x", payload }));
    expect(await bench.rows('SELECT object_key, born_at, payload FROM births.birth_registry')).toEqual([
      { object_key: "t/ö'\\:x", born_at: moment, payload: JSON.stringify(payload) },
    ]);
  });
}
