import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChangelogLine, changelog } from '../../../../fixtures/changelog/index.ts';
import { birthsMigrations, migrate, openSqlite, type SqliteHandle, sqliteMigrations } from '../db/index.ts';
import type { AdmittedLine } from './birth-admission.ts';
import { SqliteBirths } from './births.ts';
import { attachBirths } from './births-attachment.ts';
import { testSeal } from './permit/seal.fixture.ts';
import { SqliteTail } from './tail.ts';

/** A clock that a test moves. */
class TestClock {
  #ms = Date.parse('2026-11-21T03:00:00.000Z');
  readonly now = (): string => new Date(this.#ms).toISOString();

  advance(milliseconds: number): void {
    this.#ms += milliseconds;
  }
}

/** Both databases in a temporary folder, with a bulk permit, a births writer and a tail. */
export class HandoffBench implements Disposable {
  readonly folder: string;
  readonly clock = new TestClock();
  readonly birthsHandle: SqliteHandle;
  readonly births: SqliteBirths;
  readonly govd: SqliteHandle;
  readonly #opened: SqliteHandle[] = [];

  constructor(folder = mkdtempSync(join(tmpdir(), 'handoff-'))) {
    this.folder = folder;
    this.birthsHandle = openSqlite(this.path('births.db'));
    migrate(this.birthsHandle, birthsMigrations, this.clock.now);
    this.births = new SqliteBirths(this.birthsHandle, testSeal);
    this.govd = openSqlite(this.path('govd.db'));
    migrate(this.govd, sqliteMigrations, this.clock.now);
    attachBirths(this.govd, this.path('births.db'));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  permit(permit_id = 'bulk'): void {
    const nothing = { object_key: null, object_type: null, max_births: null, expires_at: null };
    this.births.issue({ permit_id, kind: 'bulk', reason: 'test', issued_at: this.clock.now(), issued_by: 'HUMAN::t', ...nothing });
  }

  add(lines: readonly (AdmittedLine | ChangelogLine)[]): void {
    this.births.add(
      lines.map((line) => ({ permit_id: 'bulk', ...(line as AdmittedLine) })),
      this.clock.now(),
    );
  }

  /** A tail on a connection of its own. */
  tail(holder = 'test'): SqliteTail {
    const handle = openSqlite(this.path('govd.db'));
    this.#opened.push(handle);
    attachBirths(handle, this.path('births.db'));
    return new SqliteTail({ handle, holder, environment: 'local_parity', now: this.clock.now });
  }

  rows<Row = Record<string, unknown>>(sql: string): Row[] {
    return this.govd.prepare(sql).all() as Row[];
  }

  activate(): void {
    this.govd.exec("UPDATE event_type_registry SET active = 1 WHERE event_type = 'handoff.object_born'");
  }

  lag(): { births: number; lag_rows: number; unannounced_rows: number } {
    return (
      this.rows<{ births: number; lag_rows: number; unannounced_rows: number }>('SELECT * FROM v_handoff_lag')[0] ?? {
        births: -1,
        lag_rows: -1,
        unannounced_rows: -1,
      }
    );
  }

  /** Everything governance holds of births, except the moments at which it learnt of them. */
  state(): unknown {
    return {
      candidates: this.rows(
        'SELECT object_key, object_type, state, dirty, born_at, retired_at, changelog_id FROM governance_candidate_state ORDER BY 1',
      ),
      pending: this.rows('SELECT event_type, object_key, born_at FROM event_pending ORDER BY 1, 2, 3'),
      emitted: this.rows('SELECT event_type, object_key, born_at FROM handoff_emitted ORDER BY 1, 2, 3'),
      events: this.events()
        .map((event) => `${event.subject} ${String(event.data.born_at)}`)
        .sort(),
    };
  }

  events(): { type: string; subject: string; data: Record<string, unknown> }[] {
    return this.rows<{ events: string }>('SELECT events FROM outbox ORDER BY outbox_id').flatMap((row) => JSON.parse(row.events));
  }

  [Symbol.dispose](): void {
    for (const handle of this.#opened) handle.close();
    this.govd.close();
    this.birthsHandle.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Steps until nothing is left. */
export function settle(tail: SqliteTail, rows = 500): number {
  let applied = 0;
  for (let step = tail.step(rows); step.kind === 'applied'; step = tail.step(rows)) applied += step.rows;
  return applied;
}

/** Lines of the fixture, in requests of `size`. */
export function addChangelog(bench: HandoffBench, options: { rows: number; seed?: number }, size = 500): ChangelogLine[] {
  const lines = [...changelog(options)];
  for (let at = 0; at < lines.length; at += size) bench.add(lines.slice(at, at + size));
  return lines;
}
