import { generateKeyPairSync } from 'node:crypto';
import { ed25519Signer } from '@govctl/core/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../../../../test/postgres/binaries.ts';
import { PostgresReader } from '../db/index.ts';
import { type TestDatabase, testDatabase } from '../db/postgres.fixture.ts';
import { commitOutcome } from './commit-outcome.ts';
import { type ContractJournal, expectSoundLog, journalContract, keysOf, keyUnit, told } from './journal.contract.ts';
import { PostgresJournal } from './journal.postgres.ts';

const postgres = postgresAvailability();
const { privateKey } = generateKeyPairSync('ed25519');
const seal = { refusal: () => null, seal: () => 'unsigned' };

async function openJournal(database: TestDatabase): Promise<ContractJournal & { journal: PostgresJournal }> {
  const session = database.session({ pipeline: true });
  const reader = new PostgresReader(database.daemon, 2);
  const journal = await PostgresJournal.open({
    session,
    schema: 'govctl',
    signer: ed25519Signer(privateKey),
    seal,
    now: () => new Date().toISOString(),
    continues: async () => null,
  });
  const shut = async () => {
    await reader.close();
    await session.close();
  };
  return {
    journal,
    database: reader,
    async reopen() {
      await shut();
      return await openJournal(database);
    },
    meddle: (sql) => session.run(sql),
    async close() {
      await shut();
      await database.close();
    },
  };
}

describe.skipIf(postgres.skip)(`the journal on PostgreSQL${postgres.note}`, () => {
  journalContract(async () => await openJournal(await testDatabase('journal')));

  it('looks for the head it made: the id of its transaction may be that of another one after a crash of the server', async () => {
    const database = await testDatabase('outcome');
    const session = database.session();
    const [done] = (await session.run<{ xid: string }>('SELECT CAST(pg_current_xact_id() AS text) AS xid')).rows;
    const { server } = session;
    if (done === undefined || server === undefined) throw new Error('no transaction');
    const head = { size: 7, root: new Uint8Array(32) };
    expect(await commitOutcome(session, { ...done, server, head })).toBe('not-committed');
    expect(await commitOutcome(session, { ...done, server, head: null })).toBe('committed');
    await session.close();
    await database.close();
  });

  describe('of two hosts', () => {
    let database: TestDatabase;
    beforeAll(async () => {
      database = await testDatabase('hosts');
    });
    afterAll(async () => await database?.close());

    it('makes one log, gapless, whoever appends; each host proves its own leaves', async () => {
      const hosts = [await openJournal(database), await openJournal(database), await openJournal(database)];
      const names = Array.from({ length: 120 }, (_, index) => `host-${index}`);
      const results = await Promise.all(names.map((name, index) => hosts[index % 3]?.journal.commit(keyUnit(name))));
      expect(results.every((result) => result?.ok)).toBe(true);
      const reader = new PostgresReader(database.daemon, 2);
      expect(await keysOf(reader)).toEqual(names.toSorted());
      expect((await expectSoundLog(reader)).at(-1)).toBe(names.length);
      await reader.close();
    });

    it('gives the same name to one of them only', async () => {
      const hosts = [await openJournal(database), await openJournal(database)];
      const results = await Promise.all(hosts.map(({ journal }) => told(journal.commit(keyUnit('wanted')))));
      expect(results.map((result) => ('code' in result ? result.code : result.ok)).sort()).toEqual(['conflict', true].sort());
    });
  });
});
