import { Problem } from '@govctl/core/api';
import { packEvents } from '@govctl/core/event';
import type { MerkleNode, Signer, TreeAppender } from '@govctl/core/evidence';
import type { Unit } from '@govctl/core/journal';
import {
  CommitUnknown,
  isConnectionLost,
  isContention,
  isFaultOfStatement,
  type PostgresRun,
  type PostgresSession,
  postgresCode,
  type ServerIdentity,
  textFor,
} from '../db/index.ts';
import { type CommitTrace, commitOutcome } from './commit-outcome.ts';
import { noteFailedWrite } from './failed-write.ts';
import { asPostgresProblem } from './failure.postgres.ts';
import { insertEvidence, outboxSql, type PlacedRecord } from './group-sql.postgres.ts';
import { LogMoved, readTree, treeUnderLock } from './head.postgres.ts';
import type { CommitResult, Journal, JournalObserver, LogSeal, ProofSource } from './journal.ts';
import { lockGroup } from './lock.postgres.ts';
import { holds, leavesOf, type Outcome, type Pending, requireSigning } from './pending.ts';
import { writeSql } from './write-sql.ts';

export type PostgresJournalOptions = {
  /** A connection of the journal's own, that sends statements as they come (`ConnectOptions.pipeline`). */
  readonly session: PostgresSession;
  readonly schema: string;
  /** Signs records: the decision key. */
  readonly signer: Signer;
  readonly seal: LogSeal;
  readonly now: () => string;
  /** Whether the database still continues what was signed: null, or why not. Asked when a connection was opened anew. */
  readonly continues: () => Promise<string | null>;
  readonly observer?: JournalObserver;
};

type Written = {
  readonly outcomes: readonly Outcome[];
  readonly tree: TreeAppender;
  readonly committed_at: string;
  readonly appended: number;
};

/** Units of one durable commit. Others wait for the head meanwhile, also those of other hosts. */
const groupLimit = 32;

/**
 * The one write path on PostgreSQL. `commit()` signs, then queues; whatever arrived while the last group was written is the next
 * group: one READ COMMITTED transaction, each unit in a savepoint, guards first, the lock on the head last.
 */
export class PostgresJournal implements Journal {
  readonly #options: PostgresJournalOptions;
  readonly #queue: Pending[] = [];
  #tree: TreeAppender;
  #server: ServerIdentity | undefined;
  /** The connection that was found to continue the log. */
  #examined: number;
  #working = false;
  #distrust: string | null = null;

  private constructor(options: PostgresJournalOptions, tree: TreeAppender) {
    this.#options = options;
    this.#tree = tree;
    this.#server = options.session.server;
    this.#examined = options.session.generation;
  }

  /** Reads the committed head. @throws Problem `unavailable` */
  static async open(options: PostgresJournalOptions): Promise<PostgresJournal> {
    return new PostgresJournal(options, await options.session.transaction(readTree));
  }

  /** Why nothing is written any more, or null. */
  get distrust(): string | null {
    return this.#distrust;
  }

  /** Units that wait for a commit. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** The committed head, as far as this host knows it. */
  get size(): number {
    return this.#tree.size;
  }

  async commit(unit: Unit): Promise<CommitResult> {
    requireSigning(unit, this.#options.seal);
    const leaves = leavesOf(unit, this.#options.signer);
    return await new Promise<CommitResult>((resolve, reject) => {
      this.#queue.push({ unit, leaves, resolve, reject });
      if (!this.#working) void this.#work();
    });
  }

  /**
   * Finds out whether the server was replaced, if it was reached anew: before somebody asks for something to be written.
   * @throws what the database threw; a log that moved is distrust, and no error
   */
  async lookAgain(): Promise<void> {
    const { session } = this.#options;
    try {
      await session.transaction(async () => {
        if (session.generation !== this.#examined) await this.#examine();
      });
    } catch (error) {
      if (!(error instanceof LogMoved)) throw error;
      this.#distrust = error.message;
    }
  }

  async #work(): Promise<void> {
    this.#working = true;
    // What arrives in the same turn of the event loop goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) await this.#flush(this.#queue.splice(0, groupLimit));
    // In the same turn as the last look at the queue: a unit that arrives later starts the work again.
    this.#working = false;
  }

  async #flush(group: readonly Pending[]): Promise<void> {
    const started = performance.now();
    let written: Written;
    try {
      written = await this.#writeSafely(group);
    } catch (error) {
      // One member may be what the others suffer from: a lock that is not given, a name that is taken.
      if (group.length > 1 && (isContention(error) || isFaultOfStatement(error))) {
        for (const pending of group) await this.#flush([pending]);
        return;
      }
      const problem = this.#problemOf(error);
      for (const pending of group) pending.reject(problem);
      return;
    }
    this.#tree = written.tree;
    this.#answer(group, written);
    this.#options.observer?.group({
      units: group.length,
      records: written.appended,
      events: group.reduce((sum, pending) => sum + pending.unit.events.length, 0),
      microseconds: (performance.now() - started) * 1000,
    });
  }

  #problemOf(error: unknown): unknown {
    if (!(error instanceof LogMoved)) return asPostgresProblem(error);
    this.#distrust = error.message;
    return this.#refusal();
  }

  #refusal(): Problem {
    return new Problem('evidence-unavailable', {
      detail: `nothing was done: the evidence log in PostgreSQL is not the one this daemon knows: ${this.#distrust}`,
      hint: 'put the newer database back and restart govd; after a restore: govd log adopt --state-dir D --reason ...',
    });
  }

  /** Writes a group once. A connection that was dead before COMMIT left nothing behind, so one more try is safe. */
  async #writeSafely(group: readonly Pending[]): Promise<Written> {
    if (this.#distrust !== null) throw this.#refusal();
    for (let attempt = 0; ; attempt += 1) {
      const trace: { current?: CommitTrace; written?: Written } = {};
      try {
        return await this.#options.session.transaction((run) => this.#write(run, group, trace));
      } catch (error) {
        if (error instanceof Undone) return error.written;
        if (error instanceof CommitUnknown) {
          const outcome = trace.current === undefined ? 'not-committed' : await commitOutcome(this.#options.session, trace.current);
          if (outcome === 'committed' && trace.written !== undefined) return trace.written;
          if (outcome === 'unknown')
            throw new Problem('evidence-unavailable', {
              detail: 'the connection to PostgreSQL was lost while it committed, and it could not be asked since: this may have been done',
              hint: 'send the same request again: what was done is not done twice',
              cause: error,
            });
        } else if (!isConnectionLost(error)) {
          throw error;
        }
        if (attempt > 0) throw error instanceof CommitUnknown ? error.cause : error;
      }
    }
  }

  async #write(run: PostgresRun, group: readonly Pending[], trace: { current?: CommitTrace; written?: Written }): Promise<Written> {
    const { schema, now, session } = this.#options;
    if (session.generation !== this.#examined) await this.#examine();
    const shared = group.length > 1;
    await lockGroup(
      run,
      schema,
      group.map(({ unit }) => unit),
    );
    const committed_at = now();
    const outcomes: Outcome[] = [];
    for (const pending of group) outcomes.push(await this.#apply(run, pending, committed_at, shared));
    const { written, xid } = await this.#append(run, group, outcomes, committed_at);
    if (!shared && outcomes.some((outcome) => !('records' in outcome))) throw new Undone(written);
    if (xid !== null && session.server !== undefined) {
      const head = written.appended > 0 ? { size: written.tree.size, root: written.tree.root() } : null;
      trace.current = { xid, server: session.server, head };
      trace.written = written;
    }
    return written;
  }

  /** One unit inside the open transaction: all of it, or (guard lost, or a fault of its own) nothing. */
  async #apply(run: PostgresRun, pending: Pending, committedAt: string, shared: boolean): Promise<Outcome> {
    if (!shared) return await this.#change(run, pending.unit, committedAt);
    await run('SAVEPOINT unit');
    let outcome: Outcome;
    try {
      outcome = await this.#change(run, pending.unit, committedAt);
    } catch (fault) {
      // What is not about this unit is for the group.
      if (!isFaultOfUnit(fault)) throw fault;
      outcome = { fault };
    }
    // Not released: the next unit's savepoint of the same name stands before it, and a round trip a unit is saved.
    if (!('records' in outcome)) await run('ROLLBACK TO SAVEPOINT unit');
    return outcome;
  }

  /**
   * Sends all changes of a unit at once, so that a server across a network is waited for once a unit and not once a statement. The first
   * answer that is not as it has to be is the unit's: what came after it is undone with it.
   */
  async #change(run: PostgresRun, unit: Unit, committedAt: string): Promise<Outcome> {
    const changes = unit.changes.map((change) => run(textFor('postgres', writeSql[change.write].sql), change.values));
    const { events } = unit;
    const told =
      events.length === 0 ? [] : [run(outboxSql, { committed_at: committedAt, event_count: events.length, events: packEvents(events) })];
    const answers = await Promise.allSettled([...changes, ...told]);
    for (const [at, answer] of answers.entries()) {
      const write = unit.changes[at]?.write;
      if (answer.status === 'rejected') {
        if (write !== undefined) noteFailedWrite(answer.reason, write);
        throw answer.reason;
      }
      if (write === undefined) continue;
      const { changes: expected, guard } = writeSql[write];
      const { count } = answer.value;
      if (!(expected === 'row' ? count > 0 : holds(count, expected))) return { guard };
    }
    // Where they stand is known once the head is locked.
    return { records: [] };
  }

  /** Leaves of every unit that was written, under the lock of the head, which is the last of all locks. */
  async #append(
    run: PostgresRun,
    group: readonly Pending[],
    outcomes: readonly Outcome[],
    committed_at: string,
  ): Promise<{ written: Written; xid: string | null }> {
    const appends = group.some(({ unit }, at) => unit.records.length > 0 && 'records' in (outcomes[at] ?? {}));
    if (!appends) {
      const { rows } = await run<{ xid: string | null }>('SELECT CAST(pg_current_xact_id_if_assigned() AS text) AS xid');
      return { written: { outcomes, tree: this.#tree, committed_at, appended: 0 }, xid: rows[0]?.xid ?? null };
    }
    const tree = await treeUnderLock(run, this.#options.schema, this.#tree);
    const before = tree.size;
    const records: PlacedRecord[] = [];
    const nodes: MerkleNode[] = [];
    const placed = group.map(({ unit, leaves }, at): Outcome => {
      const outcome = outcomes[at] ?? { fault: new Error('a unit without an outcome') };
      if (!('records' in outcome)) return outcome;
      return {
        records: unit.records.map((record, index) => {
          const leaf = leaves[index];
          if (leaf === undefined) throw new Error('a record without its leaf');
          const leaf_index = tree.size;
          nodes.push(...tree.append(leaf.hash));
          records.push({ record, leaf, leaf_index });
          return { ref: record.ref, leaf_index };
        }),
      };
    });
    const xid = await insertEvidence(run, { records, nodes, head: { size: tree.size, root: tree.root() }, committed_at });
    return { written: { outcomes: placed, tree, committed_at, appended: tree.size - before }, xid };
  }

  #answer(group: readonly Pending[], { outcomes, tree, committed_at, appended }: Written): void {
    const checkpoint = appended > 0 ? this.#options.seal.seal({ size: tree.size, root: tree.root() }) : null;
    const proof: ProofSource = { checkpoint, prove: (leafIndex) => tree.inclusionProof(leafIndex) };
    group.forEach((pending, at) => {
      const outcome = outcomes[at];
      if (outcome === undefined) pending.reject(new Error('a unit without an outcome'));
      else if ('fault' in outcome) pending.reject(asPostgresProblem(outcome.fault));
      else if ('guard' in outcome) pending.resolve({ ok: false, guard: outcome.guard });
      else {
        const treeSize = outcome.records.length > 0 ? { tree_size: tree.size } : {};
        pending.resolve({ ok: true, committed: { records: outcome.records, ...treeSize, committed_at }, proof });
      }
    });
  }

  /** A connection that was opened again may reach another server: an old primary, or a copy of yesterday. */
  async #examine(): Promise<void> {
    const { server, generation } = this.#options.session;
    this.#requireSameServer(server);
    const moved = await this.#options.continues();
    if (moved !== null) throw new LogMoved(moved);
    this.#examined = generation;
  }

  #requireSameServer(server: ServerIdentity | undefined): void {
    if (server === undefined) return;
    const known = this.#server;
    if (known !== undefined && known.system_identifier !== server.system_identifier)
      throw new LogMoved(`another server answers there now (system ${server.system_identifier}, it was ${known.system_identifier})`);
    if (known !== undefined && server.timeline < known.timeline)
      throw new LogMoved(`the server is on timeline ${server.timeline}, and ${known.timeline} was seen: it is an old primary`);
    this.#server = server;
  }
}

/** A unit alone whose guard was lost: its transaction is rolled back, and this is its result all the same. */
class Undone extends Error {
  readonly written: Written;
  constructor(written: Written) {
    super('a guard was lost');
    this.written = written;
  }
}

function isFaultOfUnit(error: unknown): boolean {
  if (isConnectionLost(error) || isContention(error)) return false;
  return isFaultOfStatement(error) || postgresCode(error) === '' || postgresCode(error).startsWith('42');
}
