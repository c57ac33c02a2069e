import { isProblem, Problem } from '@govctl/core/api';
import { packEvents } from '@govctl/core/event';
import { leafBody, leafHash, type RecordSignature, type Signer, signPayload, TreeAppender, treeFrontier } from '@govctl/core/evidence';
import type { CommittedRecord, Unit } from '@govctl/core/journal';
import { type SqliteHandle, type SqlParams, StatementCache } from '../db/index.ts';
import type { CommitResult, Journal, JournalObserver, LogSeal, ProofSource } from './journal.ts';
import { writeSql } from './write-sql.ts';

type Pending = {
  readonly unit: Unit;
  readonly leaves: readonly Leaf[];
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
};
type Leaf = { readonly body: Uint8Array; readonly hash: Uint8Array };
type Outcome = { readonly guard: string } | { readonly records: readonly CommittedRecord[] };

export type SqliteJournalOptions = {
  readonly handle: SqliteHandle;
  /** Signs records: the decision key. */
  readonly signer: Signer;
  readonly seal: LogSeal;
  readonly now: () => string;
  readonly observer?: JournalObserver;
};

/** Units of one durable commit; more wait for the next one, so that no caller waits for a crowd. */
const groupLimit = 64;

const insertRecord = `INSERT INTO record (leaf_index, ref, kind, run_id, tenant_id, dataset_id, recorded_at, leaf_hash, body)
  VALUES (:leaf_index, :ref, :kind, :run_id, :tenant_id, :dataset_id, :recorded_at, :leaf_hash, :body)`;
const insertPayload = 'INSERT INTO record_payload (leaf_index, payload) VALUES (:leaf_index, :payload)';
const insertFacts = 'INSERT INTO decision_facts (leaf_index, facts) VALUES (:leaf_index, :facts)';
const insertNode = 'INSERT INTO merkle_node (level, node_index, hash) VALUES (:level, :node_index, :hash)';
const insertHead = `INSERT INTO log_head (size, root, committed_at)
  SELECT :size, :root, :committed_at WHERE coalesce((SELECT max(size) FROM log_head), 0) = :expected_size`;
const insertOutbox = 'INSERT INTO outbox (committed_at, event_count, events) VALUES (:committed_at, :event_count, :events)';

/**
 * The one write path on SQLite. `commit()` signs, then queues; whatever arrived by the next turn of the event loop becomes one
 * transaction, each unit in a savepoint of its own. Nothing is awaited between begin and commit.
 */
export class SqliteJournal implements Journal {
  readonly #options: SqliteJournalOptions;
  readonly #cache: StatementCache;
  readonly #queue: Pending[] = [];
  #scheduled = false;
  #tree: TreeAppender;

  constructor(options: SqliteJournalOptions) {
    this.#options = options;
    this.#cache = new StatementCache(options.handle);
    this.#tree = readTree(options.handle);
  }

  /** Units that wait for a commit: the tail gives way while there are any. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** The committed head. */
  get size(): number {
    return this.#tree.size;
  }

  async commit(unit: Unit): Promise<CommitResult> {
    if (unit.records.length > 0) {
      const refusal = this.#options.seal.refusal();
      if (refusal !== null)
        throw new Problem('evidence-unavailable', {
          detail: refusal,
          hint: 'govctl doctor says what is wrong; after a restore: govd log adopt --reason ...',
        });
    }
    const leaves = unit.records.map((record) => this.#leaf(signPayload(record.payload, this.#options.signer), record.ref));
    return await new Promise<CommitResult>((resolve, reject) => {
      this.#queue.push({ unit, leaves, resolve, reject });
      this.#schedule();
    });
  }

  #leaf(signature: RecordSignature, ref: string): Leaf {
    const body = leafBody(ref, [signature]);
    return { body, hash: leafHash(body) };
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush(this.#queue.splice(0, groupLimit));
      if (this.#queue.length > 0) this.#schedule();
    });
  }

  #flush(group: readonly Pending[]): void {
    const started = performance.now();
    const { handle, now, seal, observer } = this.#options;
    const before = this.#tree.size;
    const tree = new TreeAppender(before, this.#tree.frontier);
    const committedAt = now();
    let outcomes: Outcome[];
    try {
      this.#cache.get('BEGIN IMMEDIATE').run({});
      outcomes = group.map((pending) => this.#apply(pending, tree, committedAt, group.length > 1));
      if (tree.size > before) this.#advanceHead(before, tree, committedAt);
      if (group.length === 1 && outcomes.some((outcome) => 'guard' in outcome)) this.#cache.get('ROLLBACK').run({});
      else this.#cache.get('COMMIT').run({});
    } catch (error) {
      if (handle.inTransaction) handle.exec('ROLLBACK');
      // The tree in memory stays at the last committed head; nothing of this group happened.
      const problem = unavailable(error);
      for (const pending of group) pending.reject(problem);
      return;
    }
    this.#tree = tree;
    const checkpoint = tree.size > before ? seal.seal({ size: tree.size, root: tree.root() }) : null;
    const proof: ProofSource = { checkpoint, prove: (leafIndex) => tree.inclusionProof(leafIndex) };
    group.forEach((pending, at) => {
      const outcome = outcomes[at];
      if (outcome === undefined || 'guard' in outcome) pending.resolve({ ok: false, guard: outcome?.guard ?? 'none' });
      else {
        const treeSize = outcome.records.length > 0 ? { tree_size: tree.size } : {};
        pending.resolve({ ok: true, committed: { records: outcome.records, ...treeSize, committed_at: committedAt }, proof });
      }
    });
    observer?.group({
      units: group.length,
      records: tree.size - before,
      events: group.reduce((sum, pending) => sum + pending.unit.events.length, 0),
      microseconds: (performance.now() - started) * 1000,
    });
  }

  /** One unit inside the open transaction: all of it, or (guard lost) nothing. */
  #apply(pending: Pending, tree: TreeAppender, committedAt: string, shared: boolean): Outcome {
    const { unit, leaves } = pending;
    if (shared) this.#cache.get('SAVEPOINT unit').run({});
    for (const change of unit.changes) {
      const { sql, changes, guard } = writeSql[change.write];
      const statement = this.#cache.get(sql);
      const held = changes === 'row' ? statement.get(change.values) !== undefined : holds(statement.run(change.values).changes, changes);
      if (!held) {
        if (shared) this.#cache.get('ROLLBACK TO unit').run({});
        if (shared) this.#cache.get('RELEASE unit').run({});
        return { guard };
      }
    }
    const first = tree.size;
    const records = unit.records.map((record, at) => {
      const leafIndex = first + at;
      const leaf = leaves[at];
      if (leaf === undefined) throw new Error('a record without its leaf');
      const { ref, kind, run_id, tenant_id, dataset_id, recorded_at } = record;
      this.#run(insertRecord, {
        leaf_index: leafIndex,
        ref,
        kind,
        run_id,
        tenant_id,
        dataset_id,
        recorded_at,
        leaf_hash: leaf.hash,
        body: leaf.body,
      });
      this.#run(insertPayload, { leaf_index: leafIndex, payload: record.payload });
      if (record.facts !== undefined) this.#run(insertFacts, { leaf_index: leafIndex, facts: record.facts });
      return { ref, leaf_index: leafIndex };
    });
    if (unit.events.length > 0) {
      this.#run(insertOutbox, { committed_at: committedAt, event_count: unit.events.length, events: packEvents(unit.events) });
    }
    if (shared) this.#cache.get('RELEASE unit').run({});
    for (const leaf of leaves) {
      for (const { level, index, hash } of tree.append(leaf.hash)) this.#run(insertNode, { level, node_index: index, hash });
    }
    return { records };
  }

  #advanceHead(expectedSize: number, tree: TreeAppender, committedAt: string): void {
    const { changes } = this.#run(insertHead, {
      size: tree.size,
      root: tree.root(),
      committed_at: committedAt,
      expected_size: expectedSize,
    });
    // Another process wrote this log: going on would fork it.
    if (changes !== 1) throw new Error('the head of the evidence log moved outside this daemon');
  }

  #run(sql: string, values: SqlParams) {
    return this.#cache.get(sql).run(values);
  }
}

function holds(changed: number, expected: number | 'any'): boolean {
  return expected === 'any' || changed === expected;
}

function unavailable(error: unknown): unknown {
  if (isProblem(error)) return error;
  const code = String((error as { code?: unknown }).code ?? '');
  const full = code === 'SQLITE_FULL';
  return new Problem('evidence-unavailable', {
    detail: `nothing was done: the database could not be written (${full ? 'the disk is full' : code || (error as Error).message})`,
    hint: full ? 'free space on the state folder; retrying is safe' : 'govctl doctor; retrying is safe',
    cause: error,
  });
}

type NodeRow = { hash: Uint8Array };

/** The appender at the committed head, from stored nodes. */
function readTree(handle: SqliteHandle): TreeAppender {
  const head = handle.prepare('SELECT max(size) AS size FROM log_head').get() as { size: number | null };
  const size = head.size ?? 0;
  const leaf = handle.prepare('SELECT leaf_hash AS hash FROM record WHERE leaf_index = ?');
  const node = handle.prepare('SELECT hash FROM merkle_node WHERE level = ? AND node_index = ?');
  const frontier = treeFrontier(size, (level, index) => {
    const row = (level === 0 ? leaf.get(index) : node.get(level, index)) as NodeRow | undefined;
    if (row === undefined)
      throw new Problem('unavailable', {
        detail: `the evidence log lacks node ${level}/${index} of its tree of ${size}`,
        hint: 'govctl log verify; restore from a backup',
      });
    return row.hash;
  });
  return new TreeAppender(size, frontier);
}
