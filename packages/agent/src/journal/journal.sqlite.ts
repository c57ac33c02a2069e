import { Problem } from '@govctl/core/api';
import { packEvents } from '@govctl/core/event';
import { equalBytes, type Signer, TreeAppender } from '@govctl/core/evidence';
import type { Unit } from '@govctl/core/journal';
import {
  isLocked,
  lockPatienceMs,
  lockPauseMs,
  neverWait,
  type SqliteHandle,
  type SqlParams,
  StatementCache,
  textFor,
} from '../db/index.ts';
import { noteFailedWrite } from './failed-write.ts';
import { asProblem, isFaultOfUnit, losesTrust } from './failure.ts';
import type { CommitResult, Journal, JournalObserver, LogSeal, ProofSource } from './journal.ts';
import { holds, leavesOf, type Outcome, type Pending, requireSigning } from './pending.ts';
import { readStoredTree } from './stored-tree.ts';
import { writeSql } from './write-sql.ts';

export type SqliteJournalOptions = {
  readonly handle: SqliteHandle;
  /** A new connection in place of one that met an I/O error. Without it the journal writes nothing more after one. */
  readonly reopen?: () => SqliteHandle;
  /** Signs records: the decision key. */
  readonly signer: Signer;
  readonly seal: LogSeal;
  readonly now: () => string;
  readonly observer?: JournalObserver;
  /** How long a unit waits for another process that writes the database, in milliseconds. */
  readonly patienceMs?: number;
};

type Waiting = Pending & {
  /** By the monotonic clock, in milliseconds. */
  readonly since: number;
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
  #handle: SqliteHandle;
  #cache: StatementCache;
  readonly #queue: Waiting[] = [];
  #scheduled = false;
  #tree: TreeAppender;
  #distrust: string | null = null;
  /** Whether another process held the write lock at the last try. */
  #locked = false;

  constructor(options: SqliteJournalOptions) {
    this.#options = options;
    this.#handle = options.handle;
    neverWait(options.handle);
    this.#cache = new StatementCache(options.handle);
    this.#tree = readStoredTree(options.handle);
  }

  /** Why nothing is written until the database was opened again and found whole, or null. */
  get distrust(): string | null {
    return this.#distrust;
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
    requireSigning(unit, this.#options.seal);
    const leaves = leavesOf(unit, this.#options.signer);
    return await new Promise<CommitResult>((resolve, reject) => {
      this.#queue.push({ unit, leaves, resolve, reject, since: performance.now() });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const turn = () => {
      this.#scheduled = false;
      this.#flush(this.#queue.splice(0, groupLimit));
      if (this.#queue.length > 0) this.#schedule();
    };
    if (this.#locked) setTimeout(turn, lockPauseMs);
    else setImmediate(turn);
  }

  /** Who met the lock of another process goes back to the front of the queue while there is patience left; the others are refused. */
  #wait(group: readonly Waiting[], error: unknown): void {
    const patience = this.#options.patienceMs ?? lockPatienceMs;
    const patient = group.filter(({ since }) => performance.now() - since < patience);
    this.#queue.unshift(...patient);
    this.#reject(
      group.filter((pending) => !patient.includes(pending)),
      error,
    );
  }

  #flush(group: readonly Waiting[]): void {
    const started = performance.now();
    const { now, seal, observer } = this.#options;
    try {
      if (this.#distrust !== null) this.#regainTrust();
    } catch (error) {
      this.#reject(group, error);
      return;
    }
    const before = this.#tree.size;
    const tree = new TreeAppender(before, this.#tree.frontier);
    const committedAt = now();
    let outcomes: Outcome[];
    try {
      this.#cache.get('BEGIN IMMEDIATE').run({});
      outcomes = group.map((pending) => this.#apply(pending, tree, committedAt, group.length > 1));
      if (tree.size > before) this.#advanceHead(before, tree, committedAt);
      if (group.length === 1 && outcomes.some((outcome) => !('records' in outcome))) this.#cache.get('ROLLBACK').run({});
      else this.#cache.get('COMMIT').run({});
    } catch (error) {
      // The tree in memory stays at the last committed head.
      this.#rollBack();
      this.#locked = isLocked(error);
      if (this.#locked) this.#wait(group, error);
      else this.#reject(group, error);
      return;
    }
    this.#locked = false;
    this.#tree = tree;
    const checkpoint = tree.size > before ? seal.seal({ size: tree.size, root: tree.root() }) : null;
    const proof: ProofSource = { checkpoint, prove: (leafIndex) => tree.inclusionProof(leafIndex) };
    group.forEach((pending, at) => {
      const outcome = outcomes[at];
      if (outcome === undefined) pending.reject(new Error('a unit without an outcome'));
      else if ('fault' in outcome) pending.reject(asProblem(outcome.fault));
      else if ('guard' in outcome) pending.resolve({ ok: false, guard: outcome.guard });
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

  /** Nothing of the group is acknowledged. After an I/O error the connection is not used again either. */
  #reject(group: readonly Pending[], error: unknown): void {
    if (losesTrust(error)) this.#distrust = String((error as Error).message);
    const problem = asProblem(error);
    for (const pending of group) pending.reject(problem);
  }

  #rollBack(): void {
    try {
      if (this.#handle.inTransaction) this.#handle.exec('ROLLBACK');
    } catch (error) {
      this.#distrust = String((error as Error).message);
    }
  }

  /** A flush after a failed one may lie. Only a new connection that finds exactly the log that was acknowledged is written to. */
  #regainTrust(): void {
    const { reopen } = this.#options;
    try {
      if (reopen === undefined) throw new Error('it was not opened again');
      this.#handle = reopen();
      neverWait(this.#handle);
      this.#cache = new StatementCache(this.#handle);
      const tree = readStoredTree(this.#handle);
      if (tree.size !== this.#tree.size || !equalBytes(tree.root(), this.#tree.root()))
        throw new Error(`it has ${tree.size} leaves, and ${this.#tree.size} were acknowledged`);
      this.#tree = tree;
      this.#distrust = null;
    } catch (cause) {
      throw new Problem('evidence-unavailable', {
        detail: `nothing was done: the disk failed (${this.#distrust}), and the database cannot be trusted yet: ${(cause as Error).message}`,
        hint: 'mend the disk; if this stays, restart govd',
        cause,
      });
    }
  }

  /** One unit inside the open transaction: all of it, or (guard lost, or a fault of its own) nothing. */
  #apply(pending: Pending, tree: TreeAppender, committedAt: string, shared: boolean): Outcome {
    if (shared) this.#cache.get('SAVEPOINT unit').run({});
    let outcome: Outcome;
    try {
      outcome = this.#write(pending, tree.size, committedAt);
    } catch (fault) {
      // Some errors end the whole transaction, others are not about this unit: those are for the group.
      if (!shared || !this.#handle.inTransaction || !isFaultOfUnit(fault)) throw fault;
      outcome = { fault };
    }
    const written = 'records' in outcome;
    if (shared && !written) this.#cache.get('ROLLBACK TO unit').run({});
    if (shared) this.#cache.get('RELEASE unit').run({});
    for (const leaf of written ? pending.leaves : []) {
      for (const { level, index, hash } of tree.append(leaf.hash)) this.#run(insertNode, { level, node_index: index, hash });
    }
    return outcome;
  }

  #write({ unit, leaves }: Pending, first: number, committedAt: string): Outcome {
    for (const change of unit.changes) {
      const { sql, changes, guard } = writeSql[change.write];
      try {
        const statement = this.#cache.get(textFor('sqlite', sql));
        const held = changes === 'row' ? statement.get(change.values) !== undefined : holds(statement.run(change.values).changes, changes);
        if (!held) return { guard };
      } catch (error) {
        noteFailedWrite(error, change.write);
        throw error;
      }
    }
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
    if (changes !== 1)
      throw new Problem('evidence-unavailable', {
        detail: 'nothing was done: the head of the evidence log moved outside this daemon',
        hint: 'one govd a state folder; restart this one',
      });
  }

  #run(sql: string, values: SqlParams) {
    return this.#cache.get(sql).run(values);
  }
}
