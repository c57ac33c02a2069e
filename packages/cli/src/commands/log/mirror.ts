import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import { openWitnessedCheckpoint, type TrustRoot, tilePath, tilesOf, tileWidth, type VerifiedCheckpoint } from '@govctl/core/evidence';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import { pinnedTrust } from '../evidence/pinned-trust.ts';
import { readAtMost } from '../evidence/received.ts';
import { writeWhole } from '../evidence/write-file.ts';
import type { logMirror } from './declaration.ts';
import { MirroredTree } from './mirrored-tree.ts';

const noteLimit = 1_000_000;
const bundleLimit = tileWidth * (2 + 0xffff);

export const run: Run<typeof logMirror> = async (context, { dir }, flags) => {
  const { client, cwd, io, signal } = context;
  const trust = await pinnedTrust(context, flags.trust);
  const folder = resolve(cwd, dir);
  const held = await heldCheckpoint(folder, trust);
  const fetched = async (name: 'log.checkpoint' | 'log.tile', limit: number, params?: { '*': string }) => {
    const { body } = name === 'log.tile' ? await client.download(name, { params: params ?? { '*': '' } }) : await client.download(name);
    return await readAtMost(body, limit, params === undefined ? 'a checkpoint at most' : `tile/${params['*']} at most`);
  };
  const note = await fetched('log.checkpoint', noteLimit);
  const head = openWitnessedCheckpoint(note, trust);
  requireNewer(held, head, folder);
  const tree = new MirroredTree([head.size, held?.size ?? 0]);
  const progress = await io.progress('copying the evidence log');
  let files_new = 0;
  try {
    for (const tile of tilesOf(head.size)) {
      signal.throwIfAborted();
      const path = tilePath(tile);
      const kept = await keptFile(join(folder, path));
      const bytes = kept ?? (await fetched('log.tile', bundleLimit, { '*': path.slice('tile/'.length) }));
      tree.add(tile, bytes);
      if (tile.level === 'entries') progress.update({ done: tree.size, total: head.size, unit: 'leaves' });
      if (kept !== undefined) continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeWhole(folder, path, bytes);
      files_new += 1;
      // Its beginnings are of no use any more.
      if (tile.width === tileWidth) await rm(join(folder, `${path}.p`), { recursive: true, force: true });
    }
    tree.require(head, 'the signed checkpoint');
    if (held !== null) tree.require(held, 'the checkpoint this mirror held');
    await mkdir(folder, { recursive: true });
    // Last: whoever reads the folder meanwhile finds every tile of the checkpoint that stands there.
    await writeWhole(folder, 'checkpoint', note);
    await progress.done(`${head.size} leaves, ${files_new} files new`);
  } catch (error) {
    await progress.fail();
    throw error;
  }
  const document = asDocument('LogMirror', {
    folder,
    origin: head.origin,
    tree_size: head.size,
    root: Buffer.from(head.root).toString('hex'),
    from_size: held?.size ?? null,
    files_new,
  });
  return { document, names: [folder] };
};

/** What the folder was a mirror of, by the same keys. */
async function heldCheckpoint(folder: string, trust: TrustRoot): Promise<VerifiedCheckpoint | null> {
  const note = await keptFile(join(folder, 'checkpoint'));
  return note === undefined ? null : openWitnessedCheckpoint(note, trust);
}

async function keptFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Problem('io', { detail: `${path} cannot be read: ${(cause as Error).message}`, cause });
  }
}

function requireNewer(held: VerifiedCheckpoint | null, head: VerifiedCheckpoint, folder: string): void {
  if (held === null || held.size <= head.size) return;
  throw new Problem('integrity', {
    detail: `govd serves a log of ${head.size} leaves, ${folder} holds ${held.size} that were signed: the log was set back`,
    hint: 'govctl log verify; keep the mirror, it is the proof',
  });
}
