import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openSqlite } from '../db/index.ts';
import { HandoffBench } from './handoff.fixture.ts';

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

describe('no permit, no birth', () => {
  it('refuses a birth without a permit, with an unknown one, and with one of another object or type', () => {
    using bench = new HandoffBench();
    const add =
      (permit_id?: string, more: object = {}) =>
      () =>
        bench.births.add([{ ...line, ...more, permit_id }], bench.clock.now());
    expect(add()).toThrow('refused');
    expect(add('nope')).toThrow('refused');
    bench.births.issue(single);
    expect(add('p1', { object_key: 'dot_tools/other' })).toThrow('refused');
    expect(add('p1', { object_type: 'tables' })).toThrow('refused');
    expect(bench.rows('SELECT * FROM births.birth_registry')).toEqual([]);
    expect(add('p1')()).toEqual({ born: 1, changed: 0, retired: 0, already: 0 });
  });

  it('uses a single permit up, and answers the same request again without doing it again', () => {
    using bench = new HandoffBench();
    bench.births.issue(single);
    bench.births.add([{ ...line, permit_id: 'p1' }], bench.clock.now());
    expect(bench.births.add([{ ...line, permit_id: 'p1' }], bench.clock.now())).toEqual({ born: 0, changed: 0, retired: 0, already: 1 });
    expect(() => bench.births.add([{ ...line, born_at: '2026-11-20T11:00:00.000000Z', permit_id: 'p1' }], bench.clock.now())).toThrow(
      'refused',
    );
  });

  it('refuses an expired permit, and a bulk permit beyond its number, also within one request', () => {
    using bench = new HandoffBench();
    bench.births.issue({ ...single, expires_at: '2026-11-21T02:59:59.000Z' });
    expect(() => bench.births.add([{ ...line, permit_id: 'p1' }], bench.clock.now())).toThrow('refused');
    bench.births.issue({ ...single, permit_id: 'b', kind: 'bulk', object_key: null, object_type: null, max_births: 2 });
    const many = [1, 2, 3].map((n) => ({ ...line, object_key: `k/${n}`, permit_id: 'b' }));
    expect(() => bench.births.add(many, bench.clock.now())).toThrow('1 of 3 lines');
    expect(bench.births.add(many.slice(1), bench.clock.now()).born).toBe(2);
    expect(() => bench.births.add(many.slice(0, 1), bench.clock.now())).toThrow('refused');
  });
});

describe('a request is all or nothing', () => {
  it('names every refused line and leaves no trace of the others, not even an id', () => {
    using bench = new HandoffBench();
    bench.permit();
    const lines = [
      { ...line, permit_id: 'bulk' },
      { ...line, object_key: 'no/permit' },
      { ...line, object_key: 'also/none' },
    ];
    try {
      bench.births.add(lines, bench.clock.now());
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'unprocessable', reasons: [{ path: 'lines.1' }, { path: 'lines.2' }] });
    }
    bench.add([line]);
    expect(bench.rows('SELECT birth_id FROM births.birth_registry')).toEqual([{ birth_id: 1 }]);
    expect(bench.rows('SELECT id, change FROM births.registry_changelog')).toEqual([{ id: 1, change: 'BORN' }]);
  });

  it('counts what is known already and gives out no id for it, so that a missing id means a removed row', () => {
    using bench = new HandoffBench();
    bench.permit();
    const change = { ...line, change: 'CHANGED' as const };
    bench.add([line, change, change, line]);
    bench.add([change, line]);
    bench.add([{ ...line, change: 'RETIRED' }]);
    expect(bench.rows('SELECT id, change FROM births.registry_changelog ORDER BY id')).toEqual([
      { id: 1, change: 'BORN' },
      { id: 2, change: 'CHANGED' },
      { id: 3, change: 'RETIRED' },
    ]);
    expect(bench.rows('SELECT birth_count FROM births.birth_permit')).toEqual([{ birth_count: 1 }]);
  });

  it('refuses the same birth under another type instead of dropping it silently', () => {
    using bench = new HandoffBench();
    bench.permit();
    bench.add([line]);
    expect(() => bench.add([{ ...line, object_type: 'tables' }])).toThrow('refused');
  });
});

it('registers births while govd.db is locked, lacks its tables, or is no database at all', () => {
  using bench = new HandoffBench();
  bench.permit();
  const add = (name: string) => bench.add([{ ...line, object_key: name }]);
  const journal = openSqlite(bench.path('govd.db'));
  journal.exec('BEGIN IMMEDIATE');
  add('while/locked');
  journal.exec('DROP TABLE governance_candidate_state; DROP TABLE event_pending; COMMIT');
  journal.close();
  add('while/dropped');
  writeFileSync(bench.path('govd.db'), 'not a database');
  add('while/broken');
  const reader = openSqlite(bench.path('births.db'), 'read');
  expect(reader.prepare('SELECT object_key FROM birth_registry ORDER BY birth_id').pluck().all()).toEqual([
    'while/locked',
    'while/dropped',
    'while/broken',
  ]);
  reader.close();
});
