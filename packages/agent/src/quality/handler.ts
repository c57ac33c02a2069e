import type { Readable } from 'node:stream';
import { Problem, qualityFileLimit, type qualityRoutes, schemaVersion } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { importQuality, type QualityCheck, readQuality, statusCounts } from '@govctl/core/quality';
import type { Handlers } from '../http/index.ts';
import { type GovernanceDependencies, governanceContext, keepsChanging, notGranted } from '../policy/governance.ts';
import { importsOfSnapshot, newestImport, type StoredImportRow, type TestedSnapshotRow, testedSnapshot } from './queries.ts';

/** Takes quality results in and shows them. */
export function qualityHandlers(deps: GovernanceDependencies): Handlers<typeof qualityRoutes> {
  const { database, journal } = deps;

  /** Who may neither read nor do this is not told that the snapshot exists. */
  const snapshotFor = async (snapshotId: string, actor: Actor, action: string): Promise<TestedSnapshotRow> => {
    const [[row]] = await database.read([testedSnapshot({ snapshot_id: snapshotId })]);
    const allowed = row !== undefined && mayAffect(actor, action, row);
    if (row === undefined || !(allowed || mayAffect(actor, 'snapshot.read', row))) {
      throw new Problem('not-found', { detail: `no snapshot ${snapshotId}`, hint: 'govctl snapshot ls' });
    }
    if (allowed) return row;
    const { tenant_id, dataset_id } = row;
    throw notGranted(actor, action, `${tenant_id}/${dataset_id}`, `--tenant ${tenant_id} --dataset ${dataset_id}`);
  };

  return {
    async 'quality.import'({ params, query, raw, headers, actor }) {
      // A body of another type was parsed as such, and what is left of it is not the file.
      if (headers['content-type'] !== 'application/octet-stream')
        throw new Problem('unsupported-media-type', {
          detail: 'a result file is sent as application/octet-stream',
          hint: 'govctl quality import --help',
        });
      const snapshot = await snapshotFor(params.snapshot_id, actor, 'quality.import');
      const bytes = await wholeFile(raw);
      const digest = digestOf(bytes);
      const results = readQuality(query.kind, bytes);
      const [[newest]] = await database.read([newestImport({ snapshot_id: snapshot.snapshot_id })]);
      const head = { schemaVersion, kind: 'QualityImport' as const, tenant_id: snapshot.tenant_id, dataset_id: snapshot.dataset_id };
      const checks = JSON.stringify(results.checks);
      // An older file again is news: of each check the newest import counts.
      if (newest?.source_kind === query.kind && newest.source_digest === digest && newest.checks === checks) {
        return { ...head, ...stored(snapshot.snapshot_id, newest), ignored: results.ignored, imported: false, evidence_ref: null };
      }
      const context = governanceContext(deps, actor);
      const result = await journal.commit(importQuality(context, snapshot, { kind: query.kind, digest }, results));
      if (!result.ok) throw keepsChanging(`snapshot ${snapshot.snapshot_id}`);
      const row = { source_kind: query.kind, source_digest: digest, imported_at: context.at, imported_by: actor.actor_id, checks };
      return {
        ...head,
        ...stored(snapshot.snapshot_id, row),
        ignored: results.ignored,
        imported: true,
        evidence_ref: result.committed.records[0]?.ref ?? null,
      };
    },

    async 'quality.ls'({ params, actor }) {
      const { snapshot_id, tenant_id, dataset_id } = await snapshotFor(params.snapshot_id, actor, 'quality.read');
      const [rows] = await database.read([importsOfSnapshot({ snapshot_id })]);
      return {
        schemaVersion,
        kind: 'QualityImportList' as const,
        snapshot_id,
        tenant_id,
        dataset_id,
        items: rows.map((row) => stored(snapshot_id, row)),
      };
    },
  };
}

function stored(snapshot_id: string, { source_kind, source_digest, imported_at, imported_by, checks: json }: StoredImportRow) {
  const checks = JSON.parse(json) as QualityCheck[];
  return { snapshot_id, source_kind, source_digest, imported_at, imported_by, counts: statusCounts(checks), checks };
}

/** @throws Problem `payload-too-large`: a result file is read whole, so its length is bounded before it fills the memory */
async function wholeFile(raw: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > qualityFileLimit)
      throw new Problem('payload-too-large', {
        detail: `a result file is at most ${qualityFileLimit} bytes`,
        hint: 'import the results of fewer tests at a time',
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
