import { describe } from 'vitest';
import { openSqlite } from '../../db/index.ts';
import { attachBirths } from '../births-attachment.ts';
import { HandoffBench } from '../handoff.fixture.ts';
import { replayContract } from './replay.contract.ts';
import { SqliteReplayer } from './replay.ts';

describe('replay on SQLite', () => {
  replayContract(async () => {
    const bench = new HandoffBench();
    bench.permit();
    const tail = bench.tail();
    tail.start();
    const handles: { close(): void }[] = [];
    return {
      tail,
      replayer(holder, now) {
        const handle = openSqlite(bench.path('govd.db'));
        handles.push(handle);
        attachBirths(handle, bench.path('births.db'));
        return new SqliteReplayer({ handle, holder, now });
      },
      add: async (lines) => bench.add(lines),
      exec: async (sql) => void (sql.includes('births.') ? bench.birthsHandle.exec(sql.replaceAll('births.', '')) : bench.govd.exec(sql)),
      rows: async <Row>(sql: string) => bench.rows<Row>(sql),
      wait: async () => bench.clock.advance(6_000),
      rewind: async () => void bench.govd.exec('UPDATE handoff_cursor SET low_water = 0, audited_upto = 0'),
      lag: async () => bench.lag(),
      [Symbol.asyncDispose]: async () => {
        for (const handle of handles) handle.close();
        bench[Symbol.dispose]();
      },
    };
  }, 12);
});
