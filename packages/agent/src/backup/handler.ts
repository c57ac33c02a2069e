import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { backupBytesHeader, type backupRoutes, Problem, schemaVersion } from '@govctl/core/api';
import {
  type BackupHeader,
  type BackupManifest,
  backupEvidenceFile,
  backupFiles,
  backupFormat,
  backupHeaderFile,
  backupManifestFile,
  createdBackup,
  startBackup,
  tarEnd,
} from '@govctl/core/backup';
import { type Digest, digestOf } from '@govctl/core/evidence';
import { type Actor, mayAffect } from '@govctl/core/identity';
import type { Unit } from '@govctl/core/journal';
import type { Logger } from 'pino';
import { birthsMigrations, openSqlite, query, SqliteReader } from '../db/index.ts';
import { type CheckpointOf, evidenceSource, recordByPieces } from '../evidence/evidence-bytes.ts';
import { committedHead } from '../evidence/log-state.ts';
import { type Handlers, Reply } from '../http/index.ts';
import type { ObjectStore } from '../object/index.ts';
import { everywhere, everywhereFlags, type GovernanceDependencies, governanceContext, notGranted } from '../policy/governance.ts';
import { missingContent } from '../snapshot/missing.ts';
import type { StateDir } from '../state/index.ts';
import type { StoreCopy } from '../store/index.ts';
import { type FileOfArchive, packBytes, packFile, packObjects } from './archive.ts';

export type BackupDependencies = GovernanceDependencies & {
  readonly dir: StateDir;
  readonly objects: ObjectStore;
  /** Absent where the database has tools of its own. */
  readonly copy: StoreCopy | undefined;
  /** Newest migration of the database. */
  readonly schema: number;
  readonly origin: string;
  readonly checkpointOf: CheckpointOf;
  readonly logger: Logger;
};

/** Room that has to stay free beside the copies of the databases. */
const spareBytes = 64 * 1024 * 1024;
/** A reader that takes nothing for so long is gone. */
const patienceMs = 10 * 60_000;
const shownLacks = 100;

const snapshotHashes = query<{ after: string }, { snapshot_hash: string }>(
  'snapshot hashes',
  'SELECT DISTINCT snapshot_hash FROM snapshot WHERE snapshot_hash > :after ORDER BY snapshot_hash LIMIT 500',
);

/**
 * Gives everything there is away as one archive, while everybody goes on: the databases as they were at one moment, then every object
 * (what a snapshot names is never changed, and was there before). Recorded before the first byte, and with the digest of the manifest
 * before the last.
 */
export function backupHandlers(deps: BackupDependencies): Handlers<typeof backupRoutes> {
  const { dir, database, journal, objects, origin, now, randomHex, logger } = deps;
  // What a killed daemon left.
  rmSync(dir.backupDraft, { recursive: true, force: true });
  let running = false;

  const record = async (unit: Unit) => {
    const result = await journal.commit(unit);
    const [committed] = result.ok ? result.committed.records : [];
    if (committed === undefined) throw new Error('the backup was not recorded');
    return committed.ref;
  };

  /** The copies, and what they hold; the folder is the caller's to remove. */
  const copied = async (copy: StoreCopy, signal: AbortSignal) => {
    requireSpace(dir, copy.size());
    mkdirSync(dir.backupDraft, { mode: 0o700 });
    const databases = await copy.into(dir.backupDraft, signal);
    const handle = openSqlite(join(dir.backupDraft, 'govd.db'), 'read');
    return { databases, handle, reader: new SqliteReader(handle) };
  };

  async function* archive(backup_id: string, created_at: string, actor: Actor, copies: Awaited<ReturnType<typeof copied>>) {
    const at = Date.parse(created_at);
    const head = await committedHead(copies.reader);
    const header: BackupHeader = { schemaVersion, kind: 'BackupHeader', format: backupFormat, backup_id, created_at, origin };
    yield* packBytes(backupHeaderFile, json(header), at);
    const files: FileOfArchive[] = [];
    const databases: readonly string[] = copies.databases;
    for (const name of backupFiles) {
      if (databases.includes(name)) files.push(yield* packFile(name, join(dir.backupDraft, name), at));
      else if (existsSync(join(dir.root, name))) files.push(yield* packBytes(name, readFileSync(join(dir.root, name)), at));
    }
    const { damaged, ...stored } = yield* packObjects(objects, at);
    const lacks = [...new Set([...damaged, ...(await missing(copies.reader))])];
    const manifest: BackupManifest = {
      schemaVersion,
      kind: 'BackupManifest',
      format: backupFormat,
      backup_id,
      created_at,
      ...deps.deployment,
      schema: { govd: deps.schema, births: birthsMigrations.at(-1)?.number ?? 0 },
      log: { origin, size: head.size, root: Buffer.from(head.root).toString('hex'), checkpoint: deps.checkpointOf(head) },
      files,
      objects: stored,
      lacks: { count: lacks.length, items: lacks.slice(0, shownLacks) },
    };
    const bytes = json(manifest);
    const ref = await record(createdBackup(governanceContext(deps, actor), manifest, digestOf(bytes)));
    const [[row]] = await database.read([recordByPieces({ ref })]);
    if (row === undefined) throw new Error('the record of the backup is not there');
    yield* packBytes(backupManifestFile, bytes, at);
    const evidence: Buffer[] = [];
    for await (const piece of (await evidenceSource(database, row, deps.checkpointOf)).pieces()) evidence.push(piece);
    yield* packBytes(backupEvidenceFile, Buffer.concat(evidence), at);
    yield tarEnd;
  }

  /** What snapshots of the copy name and the store does not have. */
  const missing = async (reader: SqliteReader): Promise<string[]> => {
    const lacks: string[] = [];
    for (let after = ''; ; ) {
      const [rows] = await reader.read([snapshotHashes({ after })]);
      for (const { snapshot_hash } of rows) lacks.push(...(await missingContent(objects, snapshot_hash)));
      const last = rows.at(-1);
      if (last === undefined) return lacks;
      after = last.snapshot_hash;
    }
  };

  return {
    async 'backup.create'({ actor, raw, signal, request_id }) {
      if (!mayAffect(actor, 'backup.create', everywhere)) throw notGranted(actor, 'backup.create', 'everything', everywhereFlags);
      const { copy } = deps;
      if (copy === undefined) throw onPostgres();
      if (running)
        throw new Problem('too-many-requests', { detail: 'a backup is being made already', hint: 'wait for it', retryAfterSeconds: 30 });
      running = true;
      let copies: Awaited<ReturnType<typeof copied>> | undefined;
      const end = () => {
        copies?.handle.close();
        copies = undefined;
        rmSync(dir.backupDraft, { recursive: true, force: true });
        running = false;
      };
      try {
        // Nothing is sent while the databases are copied; the connection is not to be taken for a silent one.
        if (raw instanceof IncomingMessage) raw.setTimeout(patienceMs);
        const backup_id = `backup-${randomHex(8)}`;
        const head = await committedHead(database);
        await record(
          startBackup(governanceContext(deps, actor), backup_id, {
            size: head.size,
            root: `sha256:${Buffer.from(head.root).toString('hex')}` as Digest,
          }),
        );
        copies = await copied(copy, signal);
        const bytes = copy.size() + (await objectBytes(objects));
        const body = Readable.from(archive(backup_id, now(), actor, copies), { objectMode: false, highWaterMark: 512 * 1024 });
        body.once('close', end);
        body.once('error', (error) => logger.error({ err: error, request_id }, 'a backup broke off'));
        return new Reply(200, body, { 'content-type': 'application/x-tar', [backupBytesHeader]: String(bytes) });
      } catch (error) {
        end();
        throw error;
      }
    },
  };
}

function json(document: object): Buffer {
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

async function objectBytes(objects: ObjectStore): Promise<number> {
  let bytes = 0;
  for await (const digest of objects.list()) bytes += (await objects.size(digest)) ?? 0;
  return bytes;
}

function requireSpace(dir: StateDir, bytes: number): void {
  const { bavail, bsize } = statfsSync(dir.root);
  if (bavail * bsize >= bytes + spareBytes) return;
  const mebibytes = (count: number) => Math.ceil(count / (1024 * 1024));
  throw new Problem('storage-unavailable', {
    detail: `copies of the databases need ${mebibytes(bytes + spareBytes)} MiB beside them, and ${mebibytes(bavail * bsize)} are free`,
    hint: 'free space on the disk of the state folder; or stop govd and copy the state folder',
  });
}

function onPostgres(): Problem {
  return new Problem('unprocessable', {
    detail:
      'this deployment keeps its state in PostgreSQL, which has its own tools for a consistent copy: govctl would only get half of it, so it makes none',
    hint: 'pg_basebackup, or pg_dump of the schemas of govd and of births; then copy objects/, trust.json and govd.yaml of the state folder. docs/operations/recovery.md has the order',
  });
}
