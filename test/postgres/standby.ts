import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, type ClientConfig } from 'pg';
import { copyData, type Home, handOver, superuser } from './home.ts';

const ofTheRunningServer = new Set(['postmaster.pid', 'postmaster.opts', 'pg_wal', 'pg_replslot', 'pg_stat_tmp']);

/**
 * What pg_basebackup does, which the npm package does not have: the data of a running server, copied between the two calls that make a
 * backup of it. Log that is missing is asked for from the primary.
 */
export async function copyAsStandby(primary: Home, connection: ClientConfig, major: number, standby: Home): Promise<void> {
  const session = new Client(connection);
  await session.connect();
  try {
    // Renamed in 15. The backup ends with its session when something fails.
    const [begin, end] =
      major >= 15
        ? ["pg_backup_start('standby', true)", 'pg_backup_stop(false)']
        : ["pg_start_backup('standby', true, false)", 'pg_stop_backup(false, false)'];
    // Holds the log that the copy needs, until this session ends.
    await session.query('SELECT pg_create_physical_replication_slot($1, true, true)', [`standby_${standby.port}`]);
    await session.query(`SELECT ${begin}`);
    await copyData(primary.data, standby.data, standby.identity, (name) => ofTheRunningServer.has(name));
    const { rows } = await session.query<{ labelfile: string }>(`SELECT labelfile FROM ${end}`);
    await writeFile(join(standby.data, 'backup_label'), rows[0]?.labelfile ?? '', { mode: 0o600 });
    // Copied last: it has all the log from the begin of the backup to its end.
    await copyData(join(primary.data, 'pg_wal'), join(standby.data, 'pg_wal'), standby.identity);
    await copyData(join(primary.data, 'pg_replslot'), join(standby.data, 'pg_replslot'), standby.identity, () => true);
  } finally {
    await session.end();
  }
  // A file of its own: the one of the tests may belong to root, and libpq reads no file of somebody else.
  const passwordFile = join(standby.folder, 'primary');
  await copyFile(standby.passwordFile, passwordFile);
  const source = `host=127.0.0.1 port=${primary.port} user=${superuser} passfile=${passwordFile}`;
  await writeFile(join(standby.data, 'standby.signal'), '', { mode: 0o600 });
  await writeFile(join(standby.data, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`, { mode: 0o600 });
  for (const path of [
    passwordFile,
    ...['backup_label', 'standby.signal', 'postgresql.auto.conf'].map((name) => join(standby.data, name)),
  ]) {
    await handOver(path, standby.identity);
  }
}
