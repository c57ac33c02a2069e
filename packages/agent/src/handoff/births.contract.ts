import { expect, it } from 'vitest';
import type { AdmittedLine, Births } from './birth-admission.ts';

/** Births of one store, to be looked at through `births.<table>`. */
export type BirthsBench = AsyncDisposable & {
  readonly births: Births;
  readonly now: () => string;
  rows(sql: string): Promise<unknown[]>;
  /** As whoever owns the tables, past the writer. */
  exec(sql: string): Promise<void>;
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

  const reason = async (bench: BirthsBench, lines: readonly AdmittedLine[]) => {
    const refused = await add(bench, lines).then(
      () => null,
      (error: { reasons?: { message: string }[] }) => error,
    );
    return refused?.reasons?.[0]?.message;
  };
  const again = { born_at: '2026-11-20T11:00:00.000000Z' };

  it('refuses a second use with the reason, also after somebody has reset the permit', async () => {
    await using bench = await open();
    await bench.births.issue(single);
    await add(bench, under('p1'));
    expect(await reason(bench, under('p1', again))).toMatch(/permit p1 was used at .*it admits one birth/);
    await bench.exec('UPDATE births.birth_permit SET used_at = NULL, birth_count = 0');
    expect(await reason(bench, under('p1', again))).toMatch(/was used: it admits one birth/);
    expect(await bench.rows('SELECT count(*) AS n FROM births.birth_registry')).toEqual([{ n: 1 }]);
  });

  it.each([
    ['another object', "object_key = 'dot_tools/other'", { object_key: 'dot_tools/other' }],
    ['a later end', "expires_at = '2999-01-01T00:00:00.000Z'", {}],
    ['another issuer', "issued_by = 'HUMAN::mallory'", {}],
    ['no seal', 'seal = NULL', {}],
    ['a foreign seal', "seal = 'AAAA'", {}],
  ])('refuses a permit that was changed past the writer: %s', async (_what, change, line) => {
    await using bench = await open();
    await bench.births.issue({ ...single, expires_at: '2998-01-01T00:00:00.000Z' });
    await bench.exec(`UPDATE births.birth_permit SET ${change}`);
    expect(await reason(bench, under('p1', line))).toMatch(/is not as it was issued: its seal does not hold/);
    expect(await bench.rows('SELECT * FROM births.birth_registry')).toEqual([]);
  });

  it('refuses a permit that somebody made, also with the seal of another one', async () => {
    await using bench = await open();
    await bench.births.issue(bulk);
    await bench.exec(
      `INSERT INTO births.birth_permit (permit_id, kind, reason, issued_at, issued_by, seal)
       SELECT 'forged', kind, reason, issued_at, issued_by, seal FROM births.birth_permit WHERE permit_id = 'bulk'`,
    );
    expect(await reason(bench, under('forged'))).toMatch(/permit forged is not as it was issued/);
  });

  it('revokes what was not used, once, and says who revoked it; what was born under it stays', async () => {
    await using bench = await open();
    for (const permit of [single, bulk, { ...single, permit_id: 'p2', object_key: 'dot_tools/two' }]) await bench.births.issue(permit);
    await add(bench, under('bulk', { object_key: 'k/1' }));
    await add(bench, under('p2', { object_key: 'dot_tools/two' }));
    const revocation = (permit_id: string) => ({ permit_id, revoked_at: bench.now(), revoked_by: 'HUMAN::ana', reason: 'a mistake' });
    for (const permit_id of ['p1', 'bulk']) {
      expect(await bench.births.revoke(revocation(permit_id))).toMatchObject({ changed: true, permit: { revoked_by: 'HUMAN::ana' } });
      expect(await bench.births.revoke(revocation(permit_id))).toMatchObject({ changed: false, permit: { permit_id } });
      expect(await reason(bench, under(permit_id))).toMatch(/was revoked at .* by HUMAN::ana: a mistake/);
    }
    expect(await bench.births.revoke(revocation('p2'))).toMatchObject({ changed: false, permit: { revoked_at: null } });
    expect(await bench.births.revoke(revocation('nope'))).toEqual({ changed: false, permit: undefined });
    expect(await bench.rows('SELECT object_key FROM births.birth_registry ORDER BY 1')).toHaveLength(2);
    expect((await bench.births.permits({ object_key: null, limit: 2 })).map(({ permit_id }) => permit_id)).toEqual(['bulk', 'p1']);
    expect(await bench.births.permits({ object_key: 'dot_tools/two', limit: 9 })).toMatchObject([{ permit_id: 'p2', birth_count: 1 }]);
  });

  it('names every refused line and leaves no trace of the others, not even an id', async () => {
    await using bench = await open();
    await bench.births.issue(bulk);
    const lines = [
      { ...line, permit_id: 'bulk' },
      { ...line, object_key: 'no/permit' },
      { ...line, object_key: 'also/none' },
    ];
    await expect(add(bench, lines)).rejects.toMatchObject({ code: 'unprocessable', reasons: [{ path: 'lines[1]' }, { path: 'lines[2]' }] });
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
