import { Readable } from 'node:stream';
import { isProblem, Problem, schemaVersion, type snapshotRoutes } from '@govctl/core/api';
import { formatSse, sseHeartbeat } from '@govctl/core/event';
import { type Actor, mayAffect } from '@govctl/core/identity';
import type { Unit } from '@govctl/core/journal';
import {
  recountSnapshot,
  registerSnapshot,
  releaseSnapshot,
  type SnapshotContext,
  type SnapshotRow,
  snapshotIdOf,
  totalBytes,
  verificationAfter,
  verifySnapshot,
} from '@govctl/core/promotion';
import type { Database } from '../db/index.ts';
import { type Handlers, pageBegin, pageOf, Reply } from '../http/index.ts';
import type { Journal } from '../journal/index.ts';
import type { ObjectStore } from '../object/index.ts';
import { countMissing, missingObjects, readManifest } from './presence.ts';
import { snapshotById, snapshotPage } from './queries.ts';
import { type Reading, readAgain } from './verify.ts';

export type SnapshotDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly objects: ObjectStore;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
};

/** How often a unit is rebuilt from fresh rows before the caller is told that somebody else keeps moving them. */
const rebuilds = 3;
const progressEvery = 250;

/** Takes content in, registers what it makes up, reads it again, and releases what was quarantined. */
export function snapshotHandlers(deps: SnapshotDependencies): Handlers<typeof snapshotRoutes> {
  const { database, journal, objects } = deps;

  const contextOf = (actor: Actor): SnapshotContext => ({
    actor,
    environment: deps.deployment.environment,
    service_release_id: deps.deployment.service_release_id,
    at: deps.now(),
    salt: deps.randomHex(16),
  });

  const rowOf = async (snapshotId: string): Promise<SnapshotRow | undefined> =>
    (await database.read([snapshotById({ snapshot_id: snapshotId })]))[0][0];

  /** The snapshot, for an actor who may do this to it. Who may not read it is not told that it exists. */
  const rowFor = async (snapshotId: string, actor: Actor, action: string): Promise<SnapshotRow> => {
    const row = await rowOf(snapshotId);
    if (row === undefined || !(mayAffect(actor, 'snapshot.read', row) || mayAffect(actor, action, row))) {
      throw new Problem('not-found', { detail: `no snapshot ${snapshotId}`, hint: 'govctl snapshot ls' });
    }
    requireEffect(actor, action, row);
    return row;
  };

  /** Commits what `plan` builds from the row as it is; builds again when the row moved meanwhile. `null`: nothing to do. */
  const change = async (snapshotId: string, plan: (row: SnapshotRow | undefined) => Unit | null) => {
    for (let attempt = 0; attempt < rebuilds; attempt += 1) {
      const unit = plan(await rowOf(snapshotId));
      if (unit === null) return null;
      const result = await journal.commit(unit);
      if (result.ok) return result.committed;
    }
    throw new Problem('conflict', {
      detail: `snapshot ${snapshotId} keeps changing under this request: nothing was done`,
      hint: 'try again',
    });
  };

  const manifestOf = async (snapshotHash: string) => {
    const manifest = await readManifest(objects, snapshotHash);
    if (manifest !== null) return manifest;
    throw new Problem('unprocessable', {
      detail: `no object ${snapshotHash} is stored: a snapshot is registered by the hash of its manifest`,
      hint: 'PUT the manifest (RFC 8785 bytes) to /v1/objects first; this does all of it: govctl snapshot create DIR --dataset DATASET',
    });
  };

  async function* verification(row: SnapshotRow, actor: Actor, signal: AbortSignal): AsyncGenerator<string> {
    const reading = yield* readingOf(objects, row, signal);
    signal.throwIfAborted();
    let before: SnapshotRow | undefined;
    const committed = await change(row.snapshot_id, (current) => {
      if (current === undefined) throw new Problem('not-found', { detail: `no snapshot ${row.snapshot_id}` });
      before = current;
      const { failures: _told, ...result } = reading;
      return verifySnapshot(contextOf(actor), current, result);
    });
    const { snapshot_id, snapshot_hash, file_count } = row;
    const { objects_read, bytes_read, failed_objects, failures } = reading;
    yield formatSse({
      event: 'result',
      data: {
        schemaVersion,
        kind: 'SnapshotVerification',
        snapshot_id,
        snapshot_hash,
        verified: failed_objects === 0,
        verification: verificationAfter((before ?? row).verification, reading),
        file_count,
        objects_read,
        bytes_read,
        failed_objects,
        failures,
        evidence_ref: committed?.records[0]?.ref,
      },
    });
  }

  return {
    async 'object.put'({ params, raw }) {
      try {
        const { size, created } = await objects.put(params.digest, raw as AsyncIterable<Uint8Array>);
        return { schemaVersion, kind: 'Object' as const, digest: params.digest, size, created };
      } catch (error) {
        if (isProblem(error) || raw.errored === null || raw.errored !== error) throw error;
        throw new Problem('invalid-request', { detail: 'the sender went away in the middle: nothing was stored', cause: error });
      }
    },

    async 'object.head'({ params }) {
      const size = await objects.size(params.digest);
      if (size === null) throw new Problem('not-found', { detail: `no object ${params.digest}` });
      return new Reply(200, null, { 'content-type': 'application/octet-stream', 'content-length': String(size) });
    },

    async 'object.missing'({ body }) {
      return { schemaVersion, kind: 'MissingObjects' as const, missing: await missingObjects(objects, body.digests) };
    },

    async 'snapshot.create'({ body, actor }) {
      const { tenant_id, dataset_id, layer, snapshot_hash } = body;
      requireEffect(actor, 'snapshot.create', body);
      const manifest = await manifestOf(snapshot_hash);
      if (manifest.dataset_id !== dataset_id) {
        throw new Problem('unprocessable', { detail: `the manifest is of the dataset ${manifest.dataset_id}, not ${dataset_id}` });
      }
      const missing_objects = await countMissing(objects, manifest);
      const snapshot_id = snapshotIdOf(body);
      let created = false;
      await change(snapshot_id, (row) => {
        created = row === undefined;
        if (row === undefined) {
          const counts = { file_count: manifest.files.length, total_bytes: totalBytes(manifest), missing_objects };
          return registerSnapshot(contextOf(actor), { snapshot_id, tenant_id, dataset_id, layer, snapshot_hash, ...counts });
        }
        if (row.snapshot_hash !== snapshot_hash || row.tenant_id !== tenant_id || row.dataset_id !== dataset_id || row.layer !== layer) {
          throw new Problem('conflict', { detail: `the id ${snapshot_id} belongs to other content` });
        }
        return row.missing_objects === missing_objects ? null : recountSnapshot(contextOf(actor), row, missing_objects);
      });
      return { schemaVersion, kind: 'Snapshot' as const, ...(await known(rowOf, snapshot_id)), created };
    },

    async 'snapshot.ls'({ query, actor }) {
      const { tenant_id = null, dataset_id = null, limit } = query;
      const [rows] = await database.read([snapshotPage({ tenant_id, dataset_id, ...pageBegin(query.cursor), limit: limit + 1 })]);
      const { page, next_cursor } = pageOf(rows, limit, ({ created_at, snapshot_id }) => [created_at, snapshot_id]);
      return {
        schemaVersion,
        kind: 'SnapshotList' as const,
        items: page.filter((row) => mayAffect(actor, 'snapshot.read', row)).map(shown),
        next_cursor,
      };
    },

    async 'snapshot.get'({ params, actor }) {
      return { schemaVersion, kind: 'Snapshot' as const, ...shown(await rowFor(params.snapshot_id, actor, 'snapshot.read')) };
    },

    async 'snapshot.manifest'({ params, actor }) {
      const row = await rowFor(params.snapshot_id, actor, 'snapshot.read');
      const size = await objects.size(row.snapshot_hash);
      const stream = await objects.read(row.snapshot_hash);
      if (size === null || stream === null) {
        throw new Problem('gone', {
          detail: `the manifest of ${row.snapshot_id} is not stored any more`,
          hint: `govctl snapshot verify ${row.snapshot_id}`,
        });
      }
      return new Reply(200, stream, { 'content-type': 'application/json; charset=utf-8', 'content-length': String(size) });
    },

    async 'snapshot.verify'({ params, actor, signal }) {
      const row = await rowFor(params.snapshot_id, actor, 'snapshot.verify');
      const body = Readable.from(endingWithProblem(verification(row, actor, signal), signal), { objectMode: true, highWaterMark: 1 });
      return new Reply(200, body, { 'content-type': 'text/event-stream; charset=utf-8' });
    },

    async 'snapshot.release'({ params, body, actor }) {
      const row = await rowFor(params.snapshot_id, actor, 'snapshot.release');
      const done = await change(row.snapshot_id, (current) =>
        current === undefined || (current.quarantined_at === null && current.flagged_reason === null)
          ? null
          : releaseSnapshot(contextOf(actor), current, body.reason),
      );
      return { schemaVersion, kind: 'Snapshot' as const, ...(await known(rowOf, row.snapshot_id)), released: done !== null };
    },
  };
}

/** Progress while the bytes are read; what was found at the end. A manifest that is gone or damaged is a failure of the snapshot, not of the question. */
export async function* readingOf(objects: ObjectStore, row: SnapshotRow, signal: AbortSignal): AsyncGenerator<string, Reading> {
  const failedManifest = (finding: 'missing' | 'digest-differs', detail: string): Reading => ({
    objects_read: 1,
    bytes_read: 0,
    failed_objects: 1,
    damaged_objects: finding === 'missing' ? 0 : 1,
    missing_objects: Math.max(1, row.missing_objects),
    failures: [{ path: '(manifest)', digest: row.snapshot_hash, finding, detail }],
  });
  let manifest: Awaited<ReturnType<typeof readManifest>>;
  try {
    manifest = await readManifest(objects, row.snapshot_hash);
  } catch (error) {
    if (!isProblem(error) || error.code !== 'digest-mismatch') throw error;
    await objects.setAside(row.snapshot_hash);
    return failedManifest('digest-differs', error.message);
  }
  if (manifest === null) return failedManifest('missing', 'not stored');
  const { progress, result } = readAgain(objects, manifest, signal);
  const settled = result.then(
    () => true,
    () => true,
  );
  let shownBytes = -1;
  let quiet = 0;
  while (!(await Promise.race([settled, tick()]))) {
    const now = progress();
    quiet += 1;
    if (now.bytes !== shownBytes || quiet >= 40)
      yield formatSse({ event: 'progress', data: { schemaVersion, kind: 'VerifyProgress', ...now } });
    else if (quiet % 20 === 0) yield sseHeartbeat;
    if (now.bytes !== shownBytes) quiet = 0;
    shownBytes = now.bytes;
  }
  return await result;
}

async function tick(): Promise<false> {
  await new Promise((resolve) => setTimeout(resolve, progressEvery));
  return false;
}

/** Once the answer has begun, a failure can only be told inside it. */
async function* endingWithProblem(messages: AsyncGenerator<string>, signal: AbortSignal): AsyncGenerator<string> {
  try {
    // Sends the headers at once: the client knows that it was heard.
    yield sseHeartbeat;
    yield* messages;
  } catch (error) {
    if (signal.aborted) return;
    const problem = isProblem(error)
      ? error
      : new Problem('internal', { detail: 'govd met a bug while it read the snapshot again', cause: error });
    yield formatSse({ event: 'problem', data: { schemaVersion, kind: 'Problem', ...problem.toDocument() } });
  }
}

function requireEffect(actor: Actor, action: string, target: { readonly tenant_id: string; readonly dataset_id: string }): void {
  if (mayAffect(actor, action, target)) return;
  throw new Problem('forbidden', {
    detail: `${actor.actor_id} has no grant for ${action} on ${target.tenant_id}/${target.dataset_id}`,
    hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action ${action} --dataset ${target.dataset_id}`,
  });
}

async function known(rowOf: (id: string) => Promise<SnapshotRow | undefined>, snapshotId: string) {
  const row = await rowOf(snapshotId);
  if (row === undefined) throw new Error(`snapshot ${snapshotId} was committed and is not there`);
  return shown(row);
}

/** A row holds a layer that was validated when it came in. */
function shown(row: SnapshotRow) {
  return { ...row, layer: row.layer as 'RAW' | 'GDP' | 'KPI' };
}
