import { createReadStream } from 'node:fs';
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { isProblem, Problem } from '@govctl/core/api';
import type { TrustRoot } from '@govctl/core/evidence';
import type { CommandContext } from '../../command.ts';
import { asDocument, type CommandResult } from '../../output/result.ts';
import { archiveReader } from './archive-file.ts';
import type { VerificationDocument } from './verification.ts';

type Asked = {
  readonly since: string;
  readonly until: string | undefined;
  readonly dataset: string | undefined;
  readonly tenant: string | undefined;
  readonly out: string;
};

/** The reading of a long log may take its time; `--timeout` says otherwise. */
const patienceMs = 24 * 3_600_000;

/** Writes what comes beside its place, verifies it on the way, and puts it there only when all of it verified. */
export async function exportArchive(context: CommandContext, asked: Asked, trust: TrustRoot): Promise<CommandResult> {
  const { cwd, io } = context;
  const toFile = asked.out !== '-';
  const path = toFile ? resolve(cwd, asked.out) : join(await mkdtemp(join(tmpdir(), 'govctl-archive-')), 'archive.ndjson');
  const temporary = toFile ? join(dirname(path), `.${basename(path)}.${process.pid}.tmp`) : path;
  const discard = () => rm(toFile ? temporary : dirname(path), { recursive: true, force: true });
  try {
    const { document, bytes } = await receive(context, asked, trust, temporary);
    if (!document.verified) {
      throw new Problem('integrity', {
        detail: `the archive does not verify: ${document.failed_at}: ${document.checks.at(-1)?.detail ?? ''}; nothing was written`,
        hint: 'govctl log verify; or the pinned trust root is of another deployment: govctl context show',
      });
    }
    if (!toFile) return { bytes: spooled(path, discard) };
    await rename(temporary, path);
    await io.note(`${path}: ${bytes} bytes, verified`);
    const { schemaVersion: _version, kind: _kind, ...verification } = document;
    return { document: asDocument('EvidenceVerification', { ...verification, file: path }), names: [path] };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function receive(
  { client, globals, io }: CommandContext,
  { since, until, dataset, tenant }: Asked,
  trust: TrustRoot,
  file: string,
): Promise<{ document: VerificationDocument; bytes: number }> {
  const query = {
    since,
    ...(until === undefined ? {} : { until }),
    ...(dataset === undefined ? {} : { dataset_id: dataset }),
    ...(tenant === undefined ? {} : { tenant_id: tenant }),
  };
  const { body, headers } = await client.download('evidence.archive', { query }, { timeoutMs: globals.timeout ?? patienceMs });
  const [, first, last] = /^(\d+)-(\d+)$/.exec(headers['govctl-archive-leaves'] ?? '') ?? [];
  // Of one dataset it is not known beforehand how many of these leaves are its own.
  const total = last === undefined || dataset !== undefined || tenant !== undefined ? {} : { total: Number(last) - Number(first) + 1 };
  const reader = archiveReader(trust);
  const progress = await io.progress('fetching and verifying the archive');
  await using handle = await open(file, 'w', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      await handle.write(chunk);
      if (!reader.take(chunk)) break;
      progress.update({ done: reader.records, unit: 'records', ...total });
    }
    await handle.sync();
  } catch (error) {
    await progress.fail();
    if (isProblem(error)) throw error;
    throw new Problem('unreachable', {
      detail: `govd broke off after ${reader.records} records: ${error instanceof Error ? error.message : String(error)}; nothing was written`,
      hint: 'ask again; when it breaks off at the same place: govctl log verify',
      cause: error,
    });
  }
  const document = reader.end();
  await (document.verified ? progress.done() : progress.fail());
  return { document, bytes };
}

async function* spooled(path: string, discard: () => Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
  } finally {
    await discard();
  }
}
