import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { digestOf, draftRecord, type RecordDraft, type Signer, subjectOf } from '@govctl/core/evidence';
import type { BirthLine } from '@govctl/core/handoff';
import type { Unit } from '@govctl/core/journal';
import { type ChangelogLine, changelog } from '../../fixtures/changelog/index.ts';
import { openSqlite, type SqliteHandle } from '../../packages/agent/src/db/index.ts';
import type { AdmittedLine } from '../../packages/agent/src/handoff/birth-admission.ts';
import { SqliteBirths } from '../../packages/agent/src/handoff/births.ts';
import { attachBirths } from '../../packages/agent/src/handoff/births-attachment.ts';
import { SqliteTail } from '../../packages/agent/src/handoff/tail.ts';
import { SqliteJournal } from '../../packages/agent/src/journal/index.ts';
import { loadKeys, signerOf } from '../../packages/agent/src/state/index.ts';
import { quantile } from './spread.ts';

const now = () => new Date().toISOString();

function record(serial: number): RecordDraft {
  const recorded_at = now();
  return draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(`bench/${serial}`, digestOf(Buffer.from(String(serial))))],
    predicate: {
      environment: 'local_parity',
      service_release_id: 'govd-bench',
      actor: { actor_id: 'HUMAN::bench', authenticated_by: 'api-key:bench' },
      salt: randomBytes(16).toString('hex'),
      previous: null,
      fact: 'bench.fill',
      subject: `bench/${serial}`,
      digest: null,
      reason: 'generated for the benchmark',
      detail: {},
    },
    run_id: null,
    tenant_id: 'default',
    dataset_id: null,
    recorded_at,
  });
}

/** A stopped daemon's state folder, grown through the journal's and the handoff's own code. */
export class Filler implements Disposable {
  readonly #handle: SqliteHandle;
  readonly #births: SqliteHandle;
  readonly #tail: SqliteHandle;
  readonly #journal: SqliteJournal;
  readonly #lines: Iterator<ChangelogLine>;
  readonly signer: Signer;
  #serial: number;

  constructor(state: string, lines: Iterator<ChangelogLine>) {
    this.#handle = openSqlite(join(state, 'govd.db'));
    this.#births = openSqlite(join(state, 'births.db'));
    this.#tail = openSqlite(join(state, 'govd.db'));
    attachBirths(this.#tail, join(state, 'births.db'));
    this.signer = signerOf(loadKeys({ folder: join(state, 'keys'), guardedBy: 'mode' }), 'decision');
    // The daemon signs the head when it starts; nobody asks for the checkpoints in between.
    this.#journal = new SqliteJournal({ handle: this.#handle, signer: this.signer, seal: { refusal: () => null, seal: () => '' }, now });
    this.#lines = lines;
    this.#serial = this.#journal.size;
  }

  #unit(records: number): Unit {
    const drafts = Array.from({ length: records }, () => {
      this.#serial += 1;
      return record(this.#serial);
    });
    return { label: 'bench.fill', changes: [], records: drafts, events: [] };
  }

  async #commit(records: number): Promise<void> {
    const result = await this.#journal.commit(this.#unit(records));
    if (!result.ok) throw new Error(`a guard was lost: ${result.guard}`);
  }

  /** Appends until the log has so many leaves; answers the microseconds of each, a thousand in a commit. */
  async leaves(upto: number): Promise<number> {
    const first = this.#journal.size;
    const started = performance.now();
    while (this.#journal.size < upto) await this.#commit(Math.min(1000, upto - this.#journal.size));
    return ((performance.now() - started) * 1000) / Math.max(1, upto - first);
  }

  /** Median milliseconds of an append that is durable by itself. */
  async append(times: number): Promise<number> {
    const took: number[] = [];
    for (let at = 0; at < times; at += 1) {
      const started = performance.now();
      await this.#commit(1);
      took.push(performance.now() - started);
    }
    return quantile(took, 0.5);
  }

  /** Milliseconds of an append of 64 that arrive together. */
  async appendTogether(times: number): Promise<number> {
    const took: number[] = [];
    for (let at = 0; at < times; at += 1) {
      const started = performance.now();
      await Promise.all(Array.from({ length: 64 }, () => this.#commit(1)));
      took.push((performance.now() - started) / 64);
    }
    return quantile(took, 0.5);
  }

  /** Births of objects, drained to candidates, until there are so many; with a dataset and a snapshot for each. */
  objects(upto: number): void {
    const count = this.#handle.prepare<[], { objects: number }>("SELECT count(*) AS objects FROM dataset WHERE dataset_id LIKE 'object-%'");
    const had = count.get()?.objects ?? 0;
    const births = new SqliteBirths(this.#births);
    if (had === 0) {
      const open = { object_key: null, object_type: null, max_births: null, expires_at: null };
      births.issue({ permit_id: 'bench', kind: 'bulk', reason: 'benchmark', issued_at: now(), issued_by: 'HUMAN::bench', ...open });
    }
    for (let born = had; born < upto; ) {
      const batch: AdmittedLine[] = [];
      while (batch.length < Math.min(20_000, upto - born)) {
        const next = this.#lines.next();
        if (next.done === true) throw new Error('the changelog is too short');
        if (next.value.change === 'BORN') batch.push({ permit_id: 'bench', ...(next.value as BirthLine) });
      }
      births.add(batch, now());
      born += batch.length;
    }
    const tail = new SqliteTail({ handle: this.#tail, holder: 'bench', environment: 'local_parity', now });
    tail.start();
    for (let step = tail.step(50_000); step.kind === 'applied'; step = tail.step(50_000)) if (step.settled) break;
    const rows = { had, upto, now: now() };
    const series = 'WITH RECURSIVE serial (n) AS (SELECT :had + 1 UNION ALL SELECT n + 1 FROM serial WHERE n < :upto)';
    this.#handle.prepare(`${series} INSERT INTO dataset SELECT 'default', 'object-' || n, 1, :now FROM serial`).run(rows);
    this.#handle
      .prepare(
        `${series} INSERT INTO snapshot (snapshot_id, tenant_id, dataset_id, layer, snapshot_hash, file_count, total_bytes, missing_objects, environment,
           service_release_id, created_at, created_by, verification)
         SELECT 'object-snap-' || n, 'default', 'object-' || n, 'RAW', 'sha256:' || lower(hex(randomblob(32))), 1, 1, 0, 'local_parity', 'govd-bench', :now,
           'HUMAN::bench', 'registered' FROM serial`,
      )
      .run(rows);
  }

  [Symbol.dispose](): void {
    this.#tail.close();
    this.#births.close();
    this.#handle.close();
  }
}

/** Lines without end. */
export function endlessChangelog(): Iterator<ChangelogLine> {
  return changelog({ rows: Number.MAX_SAFE_INTEGER, seed: 2 });
}
