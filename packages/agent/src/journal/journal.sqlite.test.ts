import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqlite, type SqliteHandle } from '../db/index.ts';
import { type ContractJournal, expectSoundLog, journalContract, keyUnit, told } from './journal.contract.ts';
import { type TestJournal, testJournal } from './journal.fixture.ts';
import { SqliteJournal } from './journal.sqlite.ts';

async function contractJournal(at: TestJournal): Promise<ContractJournal> {
  return {
    journal: at.journal,
    database: at.database,
    reopen: () => contractJournal(at.reopen()),
    meddle: async (sql) => at.handle.exec(sql),
    close: async () => at.close(),
  };
}

describe('on SQLite', () => journalContract(() => contractJournal(testJournal())));

let at: TestJournal;
beforeEach(() => {
  at = testJournal();
});
afterEach(() => at.close());

const keys = (handle: SqliteHandle = at.handle) => handle.prepare('SELECT key_id FROM api_key ORDER BY key_id').pluck().all();
const leaves = () => at.handle.prepare('SELECT leaf_index FROM record ORDER BY leaf_index').pluck().all();

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
    await expectSoundLog(at.database);
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

describe('while another process writes the database', () => {
  const signer = { public_key_spki: new Uint8Array(), keyid: 'test', sign: () => new Uint8Array(64) };
  const seal = { refusal: () => null, seal: () => 'unsigned' };
  const journalOn = (patienceMs: number) =>
    new SqliteJournal({ handle: at.handle, signer, seal, patienceMs, now: () => '2026-11-21T03:00:00.000Z' });

  function locked(): { unlock(): void } {
    const other = openSqlite(at.path);
    other.exec('BEGIN IMMEDIATE');
    return { unlock: () => void other.exec('ROLLBACK').close() };
  }

  it('a unit waits for its turn in the order of arrival, and others are served meanwhile', async () => {
    const other = locked();
    const journal = journalOn(60_000);
    const order: string[] = [];
    const commits = ['a', 'b'].map(async (key) => {
      await journal.commit(keyUnit(key));
      order.push(key);
    });
    for (let turns = 0; turns < 5; turns += 1) await sleep(20);
    expect([order, journal.waiting]).toEqual([[], 2]);
    other.unlock();
    await Promise.all(commits);
    expect([order, keys()]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  it('a unit is refused when the other does not end, and nothing of it is done', async () => {
    const other = locked();
    const journal = journalOn(100);
    expect(await told(journal.commit(keyUnit('a')))).toEqual({ code: 'evidence-unavailable' });
    other.unlock();
    expect(await told(journal.commit(keyUnit('b')))).toMatchObject({ ok: true });
    expect(keys()).toEqual(['b']);
  });
});

describe('durability', () => {
  it('every connection flushes before it says yes', () => {
    expect(at.handle.pragma('synchronous', { simple: true })).toBe(2);
    expect(at.handle.pragma('journal_mode', { simple: true })).toBe('wal');
  });
});
