import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BirthLine } from '@govctl/core/handoff';
import { changelog } from '../../fixtures/changelog/index.ts';
import { birthsMigrations, migrate, openSqlite, type SqliteHandle, sqliteMigrations } from '../../packages/agent/src/db/index.ts';
import type { AdmittedLine } from '../../packages/agent/src/handoff/birth-admission.ts';
import { SqliteBirths } from '../../packages/agent/src/handoff/births.ts';
import { attachBirths } from '../../packages/agent/src/handoff/births-attachment.ts';
import { testSeal } from '../../packages/agent/src/handoff/permit/seal.fixture.ts';
import { SqliteTail } from '../../packages/agent/src/handoff/tail.ts';
import { TailLoop } from '../../packages/agent/src/handoff/tail-loop.ts';
import type { Journal } from '../../packages/agent/src/journal/index.ts';
import type { Lab } from './measurement.ts';

const now = () => new Date().toISOString();

/** Path of a births.db with so many changes in it, written as the daemon writes them; made once a run. */
export function preparedBirths(lab: Lab, rows: number): string {
  const path = join(lab.shared, `births-${rows}.db`);
  if (!existsSync(path)) fillBirths(path, rows);
  return path;
}

function fillBirths(path: string, rows: number): void {
  const handle = openSqlite(path);
  try {
    migrate(handle, birthsMigrations, now);
    const births = new SqliteBirths(handle, testSeal);
    const open = { object_key: null, object_type: null, max_births: null, expires_at: null };
    births.issue({ permit_id: 'bench', kind: 'bulk', reason: 'benchmark', issued_at: now(), issued_by: 'HUMAN::bench', ...open });
    const batch: AdmittedLine[] = [];
    for (const line of changelog({ rows, seed: 1 })) {
      batch.push({ permit_id: 'bench', ...(line as BirthLine) });
      if (batch.length === 20_000) births.add(batch.splice(0), now());
    }
    births.add(batch, now());
    const { lines } = handle.prepare('SELECT count(*) AS lines FROM registry_changelog').get() as { lines: number };
    if (lines !== rows) throw new Error(`${lines} of ${rows} lines were written`);
    handle.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    handle.close();
  }
}

/** A fresh govd.db with a copy of the births attached, as the tail has it. */
export class Bed implements Disposable {
  readonly folder: string;
  readonly handle: SqliteHandle;

  constructor(lab: Lab, births: string) {
    this.folder = mkdtempSync(join(lab.folder, 'handoff-'));
    const path = join(this.folder, 'births.db');
    copyFileSync(births, path);
    this.handle = openSqlite(join(this.folder, 'govd.db'));
    migrate(this.handle, sqliteMigrations, now);
    attachBirths(this.handle, path);
    // The first touch of a fresh copy is the disk's time, not the drain's.
    this.handle.prepare('SELECT sum(length(object_key)), sum(length(payload)) FROM births.registry_changelog').get();
    this.handle.prepare('SELECT sum(length(object_key)), sum(length(payload)) FROM births.birth_registry').get();
  }

  /** What a drain has to leave, apart from the moments it happened at. */
  effects(): string {
    const one = (sql: string) => JSON.stringify(this.handle.prepare(sql).get());
    return [
      one(`SELECT count(*), sum(length(object_key)), sum(changelog_id), count(retired_at), sum(unixepoch(born_at)), sum(unixepoch(retired_at)),
             sum(length(object_type)), sum(dirty), count(DISTINCT state) FROM governance_candidate_state`),
      one('SELECT count(*), sum(length(object_key)), sum(unixepoch(born_at)) FROM event_pending'),
    ].join();
  }

  /** The daemon's own tail and its rounds, until nothing is left. The event loop turns between batches, as in the daemon. */
  async drainByTail(): Promise<number> {
    const { handle } = this;
    const tail = new SqliteTail({ handle, holder: 'bench', environment: 'local_parity', now });
    let settled = false;
    const journal: Journal = { commit: () => Promise.reject(new Error('the benchmark has no journal')) };
    const loop = new TailLoop({ tail, journal, environment: 'local_parity', now, busy: () => false, jitter: () => 0.5 });
    const started = performance.now();
    while (!settled) {
      settled = (await loop.round()) > 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return (performance.now() - started) / 1000;
  }

  [Symbol.dispose](): void {
    this.handle.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
