import { equalBytes, treeRoot } from '@govctl/core/evidence';
import { issueApiKey } from '@govctl/core/identity';
import type { Unit } from '@govctl/core/journal';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqlite, type SqliteHandle } from '../db/index.ts';
import { type TestJournal, testJournal } from './journal.fixture.ts';
import { SqliteJournal } from './journal.sqlite.ts';
import type { CommitResult } from './journal.ts';

let at: TestJournal;
beforeEach(() => {
  at = testJournal();
});
afterEach(() => at.close());

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
const keyUnit = (name: string): Unit =>
  issueApiKey(context(), { key_id: name, actor_id: 'HUMAN::bob', expires_at: null, grants, secret_hash: name });
/** A unit whose last write loses its guard: there is no such key to take back. */
const guardLost = (name: string): Unit => {
  const unit = keyUnit(name);
  const values = { key_id: 'nobody-has-this', revoked_at: context().at, revoked_by: 'HUMAN::ada' };
  return { ...unit, changes: [...unit.changes, { write: 'api-key.revoke', values }] };
};

const keys = (handle: SqliteHandle = at.handle) => handle.prepare('SELECT key_id FROM api_key ORDER BY key_id').pluck().all();
const leaves = () => at.handle.prepare('SELECT leaf_index FROM record ORDER BY leaf_index').pluck().all();
const heads = () => at.handle.prepare('SELECT size, root FROM log_head ORDER BY size').all() as { size: number; root: Uint8Array }[];

/** The stored nodes make the stored root, and leaves are gapless. */
function expectSoundLog(): void {
  const head = heads().at(-1) ?? { size: 0, root: new Uint8Array() };
  expect(leaves()).toEqual(Array.from({ length: head.size }, (_, index) => index));
  if (head.size === 0) return;
  const root = treeRoot(head.size, (level, index) => {
    const hash =
      level === 0
        ? at.handle.prepare('SELECT leaf_hash FROM record WHERE leaf_index = ?').pluck().get(index)
        : at.handle.prepare('SELECT hash FROM merkle_node WHERE level = ? AND node_index = ?').pluck().get(level, index);
    return hash as Uint8Array;
  });
  expect(equalBytes(root, head.root)).toBe(true);
}

type Told = CommitResult | { readonly code: unknown };
const told = (result: Promise<CommitResult>): Promise<Told> => result.catch((error: { code?: unknown }) => ({ code: error.code }));

describe('units that share a commit', () => {
  it('do not share a lost guard: only its own unit is undone, and leaves no leaf', async () => {
    const results = await Promise.all([keyUnit('a'), guardLost('b'), keyUnit('c')].map((unit) => at.journal.commit(unit)));
    expect(results.map((result) => (result.ok ? result.committed.records.map((record) => record.leaf_index) : result.guard))).toEqual([
      [0],
      'key-not-revoked',
      [1],
    ]);
    expect(keys()).toEqual(['a', 'c']);
    expect(heads().map(({ size }) => size)).toEqual([2]);
    expectSoundLog();
  });

  it('do not share a broken constraint either', async () => {
    await at.journal.commit(keyUnit('taken'));
    const results = await Promise.all([keyUnit('a'), keyUnit('taken'), keyUnit('b')].map((unit) => told(at.journal.commit(unit))));
    expect(results).toMatchObject([{ ok: true }, { code: 'conflict' }, { ok: true }]);
    expect(keys()).toEqual(['a', 'b', 'taken']);
    expectSoundLog();
  });

  it('do not share a value SQLite does not take', async () => {
    const unit = keyUnit('odd');
    const odd = { ...unit, changes: [{ write: 'api-key.insert', values: { key_id: { of: 'no type' } } }] } as unknown as Unit;
    const results = await Promise.allSettled([keyUnit('a'), odd, keyUnit('b')].map((each) => at.journal.commit(each)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(keys()).toEqual(['a', 'b']);
    expectSoundLog();
  });

  it('are each all or nothing, in any mixture and any grouping', async () => {
    const kinds = fc.constantFrom('good', 'guard', 'constraint');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(kinds, { minLength: 1, maxLength: 70 }), { maxLength: 4 }), async (groups) => {
        at.close();
        at = testJournal();
        await at.journal.commit(keyUnit('taken'));
        const good: string[] = ['taken'];
        for (const [group, members] of groups.entries()) {
          const units = members.map((kind, index) => {
            const name = `k-${group}-${index}`;
            if (kind === 'good') good.push(name);
            return kind === 'good' ? keyUnit(name) : kind === 'guard' ? guardLost(name) : keyUnit('taken');
          });
          const results = await Promise.all(units.map((unit) => told(at.journal.commit(unit))));
          expect(results.map((result) => ('code' in result ? 'constraint' : result.ok ? 'good' : 'guard'))).toEqual(members);
        }
        expect(new Set(keys())).toEqual(new Set(good));
        expect(leaves()).toHaveLength(good.length);
        expectSoundLog();
        at = at.reopen();
        expect(at.journal.size).toBe(good.length);
      }),
      { numRuns: 15 },
    );
  });
});

describe('an I/O error', () => {
  /** Fails the given statement as a disk does, until it is told to stop. */
  function failing(handle: SqliteHandle, sql: string, fault: { code: string } | null): { handle: SqliteHandle; mend(): void } {
    let current = fault;
    const proxy = new Proxy(handle, {
      get(target, name) {
        if (name === 'prepare')
          return (text: string) => {
            const statement = target.prepare(text);
            if (text !== sql) return statement;
            return {
              run: (values: object) => {
                if (current !== null) throw Object.assign(new Error('disk I/O error'), current);
                return statement.run(values);
              },
            };
          };
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    return {
      handle: proxy,
      mend() {
        current = null;
      },
    };
  }

  const seal = { refusal: () => null, seal: () => 'unsigned' };
  const journalOn = (handle: SqliteHandle, reopen?: () => SqliteHandle) =>
    new SqliteJournal({
      handle,
      signer: { public_key_spki: new Uint8Array(), keyid: 'test', sign: () => new Uint8Array(64) },
      seal,
      now: () => '2026-11-21T03:00:00.000Z',
      ...(reopen === undefined ? {} : { reopen }),
    });

  it('ends writing until the database was opened again and holds the log that was acknowledged', async () => {
    const broken = failing(at.handle, 'COMMIT', { code: 'SQLITE_IOERR_FSYNC' });
    const fresh: SqliteHandle[] = [];
    const journal = journalOn(broken.handle, () => {
      const handle = openSqlite(at.path);
      fresh.push(handle);
      return handle;
    });
    expect(await told(journal.commit(keyUnit('lost')))).toEqual({ code: 'evidence-unavailable' });
    expect(journal.distrust).toMatch('disk I/O error');
    // The old connection would say yes now. It is not asked.
    broken.mend();
    expect(await told(journal.commit(keyUnit('after')))).toMatchObject({ ok: true });
    expect([journal.distrust, fresh.length]).toEqual([null, 1]);
    expect(keys()).toEqual(['after']);
    expectSoundLog();
    for (const handle of fresh) handle.close();
  });

  it('ends writing for good when the database holds another log than the one that was acknowledged', async () => {
    const broken = failing(at.handle, 'COMMIT', { code: 'SQLITE_IOERR_WRITE' });
    const other = testJournal();
    await other.journal.commit(keyUnit('from-elsewhere'));
    const journal = journalOn(broken.handle, () => openSqlite(other.path));
    await told(journal.commit(keyUnit('a')));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(await told(journal.commit(keyUnit('b')))).toEqual({ code: 'evidence-unavailable' });
      expect(journal.distrust).not.toBeNull();
    }
    expect(keys(other.handle)).toEqual(['from-elsewhere']);
    other.close();
  });

  it('ends writing where nothing can open the database again', async () => {
    const broken = failing(at.handle, 'COMMIT', { code: 'SQLITE_IOERR_FSYNC' });
    const journal = journalOn(broken.handle);
    await told(journal.commit(keyUnit('a')));
    broken.mend();
    expect(await told(journal.commit(keyUnit('b')))).toEqual({ code: 'evidence-unavailable' });
    expect(keys()).toEqual([]);
  });

  it('is not what a full disk is: SQLite said so before it promised anything, and the next commit is tried', async () => {
    const broken = failing(at.handle, 'COMMIT', { code: 'SQLITE_FULL' });
    const journal = journalOn(broken.handle);
    expect(await told(journal.commit(keyUnit('a')))).toEqual({ code: 'evidence-unavailable' });
    broken.mend();
    expect(await told(journal.commit(keyUnit('b')))).toMatchObject({ ok: true });
    expect(keys()).toEqual(['b']);
  });

  it('of one member is one for the whole group: nobody is told yes', async () => {
    const broken = failing(at.handle, 'RELEASE unit', { code: 'SQLITE_IOERR_WRITE' });
    const journal = journalOn(broken.handle);
    const results = await Promise.all([keyUnit('a'), keyUnit('b')].map((unit) => told(journal.commit(unit))));
    expect(results).toEqual([{ code: 'evidence-unavailable' }, { code: 'evidence-unavailable' }]);
    expect([keys(), leaves()]).toEqual([[], []]);
  });
});

describe('what was written stays', () => {
  it.each(['record', 'merkle_node', 'log_head', 'pointer', 'outbox_position'])('%s takes neither UPDATE nor DELETE', async (table) => {
    await at.journal.commit(keyUnit('a'));
    await at.journal.commit(keyUnit('b'));
    at.handle.exec(`
      INSERT INTO pointer VALUES ('t', 'd', 'GDP', 1, 's', 'h', 'r', 'ref', 1, '2026-11-21T03:00:00.000Z');
      INSERT INTO outbox_position VALUES (1, 1, 1);`);
    const before = at.handle.prepare(`SELECT * FROM ${table}`).all();
    expect(before.length).toBeGreaterThan(0);
    const column = at.handle.prepare('SELECT name FROM pragma_table_info(?) LIMIT 1').pluck().get(table) as string;
    expect(() => at.handle.exec(`UPDATE ${table} SET ${column} = ${column}`)).toThrow(/append-only|never change/);
    expect(() => at.handle.exec(`DELETE FROM ${table}`)).toThrow(/append-only|never change/);
    expect(at.handle.prepare(`SELECT * FROM ${table}`).all()).toEqual(before);
  });

  it('every connection flushes before it says yes', () => {
    expect(at.handle.pragma('synchronous', { simple: true })).toBe(2);
    expect(at.handle.pragma('journal_mode', { simple: true })).toBe('wal');
  });
});
