import { equalBytes, treeRoot } from '@govctl/core/evidence';
import { issueApiKey } from '@govctl/core/identity';
import type { Unit } from '@govctl/core/journal';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, query } from '../db/index.ts';
import type { CommitResult, Journal } from './journal.ts';

export type ContractJournal = {
  readonly journal: Journal & { readonly size: number };
  readonly database: Database;
  /** Closes and opens everything again, as a new process would. */
  reopen(): Promise<ContractJournal>;
  /** Changes a row past the journal, with the rights of the daemon. @throws when that is refused */
  meddle(sql: string): Promise<unknown>;
  close(): Promise<void>;
};

let count = 0;
const context = () => {
  count += 1;
  return {
    actor: { actor_id: 'HUMAN::ada', authenticated_by: 'test' },
    environment: 'local_parity',
    service_release_id: 'test',
    at: '2026-11-21T03:00:00.000Z',
    salt: count.toString(16).padStart(32, '0'),
  };
};
const grants = [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }];

/** A unit with one row and one record. The same name twice breaks a constraint. */
export const keyUnit = (name: string): Unit =>
  issueApiKey(context(), { key_id: name, actor_id: 'HUMAN::bob', expires_at: null, grants, secret_hash: name });

/** A unit whose last write loses its guard: there is no such key to take back. */
const guardLost = (name: string): Unit => {
  const unit = keyUnit(name);
  const values = { key_id: 'nobody-has-this', revoked_at: context().at, revoked_by: 'HUMAN::ada' };
  return { ...unit, changes: [...unit.changes, { write: 'api-key.revoke', values }] };
};

const keyIds = query<Record<string, never>, { key_id: string }>('test keys', 'SELECT key_id FROM api_key ORDER BY key_id');
const leafRows = query<Record<string, never>, { leaf_index: number; leaf_hash: Uint8Array }>(
  'test leaves',
  'SELECT leaf_index, leaf_hash FROM record ORDER BY leaf_index',
);
const nodeRows = query<Record<string, never>, { level: number; node_index: number; hash: Uint8Array }>(
  'test nodes',
  'SELECT level, node_index, hash FROM merkle_node',
);
const headRows = query<Record<string, never>, { size: number; root: Uint8Array }>(
  'test heads',
  'SELECT size, root FROM log_head ORDER BY size',
);

export async function keysOf(database: Database): Promise<string[]> {
  const [rows] = await database.read([keyIds({})]);
  return rows.map(({ key_id }) => key_id);
}

/** Leaves are gapless, and the stored nodes make the stored root. @returns sizes of the heads */
export async function expectSoundLog(database: Database): Promise<number[]> {
  const [leaves, nodes, heads] = await database.read([leafRows({}), nodeRows({}), headRows({})]);
  const head = heads.at(-1) ?? { size: 0, root: new Uint8Array() };
  expect(leaves.map(({ leaf_index }) => leaf_index)).toEqual(Array.from({ length: head.size }, (_, index) => index));
  const stored = new Map(nodes.map(({ level, node_index, hash }) => [`${level}/${node_index}`, hash]));
  if (head.size > 0) {
    const root = treeRoot(head.size, (level, index) => {
      const hash = level === 0 ? leaves[index]?.leaf_hash : stored.get(`${level}/${index}`);
      if (hash === undefined) throw new Error(`node ${level}/${index} is not stored`);
      return hash;
    });
    expect(equalBytes(root, head.root)).toBe(true);
  }
  return heads.map(({ size }) => size);
}

type Told = CommitResult | { readonly code: unknown };
export const told = (result: Promise<CommitResult>): Promise<Told> => result.catch((error: { code?: unknown }) => ({ code: error.code }));

/** What every journal promises, whatever it writes to. */
export function journalContract(open: () => Promise<ContractJournal>): void {
  let at: ContractJournal;
  beforeEach(async () => {
    at = await open();
  });
  afterEach(async () => await at.close());

  describe('units that share a commit', () => {
    it('do not share a lost guard: only its own unit is undone, and leaves no leaf', async () => {
      const results = await Promise.all([keyUnit('a'), guardLost('b'), keyUnit('c')].map((unit) => at.journal.commit(unit)));
      expect(results.map((result) => (result.ok ? result.committed.records.map((record) => record.leaf_index) : result.guard))).toEqual([
        [0],
        'key-not-revoked',
        [1],
      ]);
      expect(await keysOf(at.database)).toEqual(['a', 'c']);
      expect(await expectSoundLog(at.database)).toEqual([2]);
    });

    it('do not share a broken constraint either', async () => {
      await at.journal.commit(keyUnit('taken'));
      const results = await Promise.all([keyUnit('a'), keyUnit('taken'), keyUnit('b')].map((unit) => told(at.journal.commit(unit))));
      expect(results).toMatchObject([{ ok: true }, { code: 'conflict' }, { ok: true }]);
      expect(await keysOf(at.database)).toEqual(['a', 'b', 'taken']);
      await expectSoundLog(at.database);
    });

    it('do not share a value the database does not take', async () => {
      const unit = keyUnit('odd');
      const odd = { ...unit, changes: [{ write: 'api-key.insert', values: { key_id: { of: 'no type' } } }] } as unknown as Unit;
      const results = await Promise.allSettled([keyUnit('a'), odd, keyUnit('b')].map((each) => at.journal.commit(each)));
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await keysOf(at.database)).toEqual(['a', 'b']);
      await expectSoundLog(at.database);
    });

    it('are each all or nothing, in any mixture and any grouping', async () => {
      const kinds = fc.constantFrom('good', 'guard', 'constraint');
      await at.journal.commit(keyUnit('taken'));
      const good: string[] = ['taken'];
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(kinds, { minLength: 1, maxLength: 70 }), { maxLength: 4 }), async (groups) => {
          round += 1;
          for (const [group, members] of groups.entries()) {
            const units = members.map((kind, index) => {
              const name = `k-${round}-${group}-${index}`;
              if (kind === 'good') good.push(name);
              return kind === 'good' ? keyUnit(name) : kind === 'guard' ? guardLost(name) : keyUnit('taken');
            });
            const results = await Promise.all(units.map((each) => told(at.journal.commit(each))));
            expect(results.map((result) => ('code' in result ? 'constraint' : result.ok ? 'good' : 'guard'))).toEqual(members);
          }
          expect(new Set(await keysOf(at.database))).toEqual(new Set(good));
          expect((await expectSoundLog(at.database)).at(-1)).toBe(good.length);
          at = await at.reopen();
          expect(at.journal.size).toBe(good.length);
        }),
        { numRuns: 15 },
      );
    });
  });

  describe('a proof', () => {
    it('comes with the answer, for a unit alone and for one among others', async () => {
      const alone = await at.journal.commit(keyUnit('a'));
      const crowd = await Promise.all(['b', 'c', 'd'].map((name) => at.journal.commit(keyUnit(name))));
      for (const result of [alone, ...crowd]) {
        if (!result.ok) throw new Error(result.guard);
        const [record] = result.committed.records;
        const size = result.committed.tree_size ?? 0;
        expect(result.proof.prove(record?.leaf_index ?? -1)).toHaveLength(size === 1 ? 0 : Math.ceil(Math.log2(size)));
      }
    });
  });

  describe('what was written stays', () => {
    it.each([
      ['record', 'ref'],
      ['merkle_node', 'hash'],
      ['log_head', 'root'],
      ['pointer', 'snapshot_id'],
      ['outbox_position', 'outbox_id'],
    ])('%s takes neither UPDATE nor DELETE', async (table, column) => {
      await at.journal.commit(keyUnit('a'));
      await at.journal.commit(keyUnit('b'));
      await at.meddle("INSERT INTO pointer VALUES ('t', 'd', 'GDP', 1, 's', 'h', 'r', 'ref', 1, '2026-11-21T03:00:00.000Z')");
      await at.meddle('INSERT INTO outbox_position VALUES (1, 1, 1)');
      const all = query<Record<string, never>, object>(`all of ${table}`, `SELECT * FROM ${table}`);
      const [before] = await at.database.read([all({})]);
      expect(before.length).toBeGreaterThan(0);
      await expect(at.meddle(`UPDATE ${table} SET ${column} = ${column}`)).rejects.toThrow(/append-only|never change|permission denied/);
      await expect(at.meddle(`DELETE FROM ${table}`)).rejects.toThrow(/append-only|never change|permission denied/);
      const [after] = await at.database.read([all({})]);
      expect(after).toEqual(before);
    });
  });
}
