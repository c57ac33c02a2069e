import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import {
  decodeBase64,
  leafHash,
  openWitnessedCheckpoint,
  parseLeafBody,
  type TrustRoot,
  verifyConsistency,
  verifyInclusion,
} from '@govctl/core/evidence';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument, type CommandResult } from '../../output/result.ts';
import { pinnedTrust } from '../evidence/pinned-trust.ts';
import type { logProve } from './declaration.ts';

export const run: Run<typeof logProve> = async (context, { ref }, { index, size, since, trust }) => {
  if ([ref, index, since].filter((given) => given !== undefined).length !== 1)
    throw new Problem('usage', { detail: 'name one thing to prove', hint: 'govctl log prove REF, --index N, or --since CHECKPOINT' });
  const root = await pinnedTrust(context, trust);
  const at = size === undefined ? {} : { size };
  return since === undefined
    ? await inclusion(context, { ...(ref === undefined ? { index } : { ref }), ...at }, root)
    : await consistency(context, since, at, root);
};

async function inclusion(
  { client }: CommandContext,
  query: { ref?: string | undefined; index?: number | undefined; size?: number },
  trust: TrustRoot,
): Promise<CommandResult> {
  const { ref, index, size } = query;
  const answer = await client.call('log.proof', {
    query: { ...(ref === undefined ? {} : { ref }), ...(index === undefined ? {} : { index }), ...(size === undefined ? {} : { size }) },
  });
  const checkpoint = openWitnessedCheckpoint(answer.checkpoint, trust);
  const body = decodeBase64(answer.leaf_body);
  if (
    body === undefined ||
    parseLeafBody(body).payload_digest !== (ref ?? answer.ref) ||
    (index ?? answer.leaf_index) !== answer.leaf_index
  )
    throw wrong('the leaf is not the one that was asked about');
  if (!verifyInclusion(answer.leaf_index, checkpoint.size, leafHash(body), hashesOf(answer.hashes), checkpoint.root))
    throw wrong(`the proof does not lead from leaf ${answer.leaf_index} to the root of the checkpoint`);
  const { proof, ...shown } = answer;
  return { document: { ...shown, proof }, names: [answer.ref], renderings: { proof: () => proof } };
}

async function consistency(
  { client, cwd }: CommandContext,
  file: string,
  at: { readonly size?: number },
  trust: TrustRoot,
): Promise<CommandResult> {
  const older = openWitnessedCheckpoint(await readNote(resolve(cwd, file)), trust);
  if (older.size === 0) throw new Problem('usage', { detail: 'that checkpoint is of the empty log: everything grew from it' });
  const answer = await client.call('log.consistency', { query: { from: older.size, ...at } });
  const newer = openWitnessedCheckpoint(answer.checkpoint, trust);
  if (newer.size < older.size || !verifyConsistency(older.size, newer.size, older.root, newer.root, hashesOf(answer.hashes)))
    throw wrong(`the log of ${newer.size} leaves did not grow from the ${older.size} that were signed in ${file}`);
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const document = asDocument('LogConsistency', {
    consistent: true,
    from_size: older.size,
    from_root: hex(older.root),
    tree_size: newer.size,
    root: hex(newer.root),
    hashes: answer.hashes,
    checkpoint: answer.checkpoint,
  });
  return { document, names: [String(newer.size)], renderings: { proof: () => answer.hashes.map((hash) => `${hash}\n`).join('') } };
}

async function readNote(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Problem('usage', {
      detail: `${path} cannot be read: ${(cause as Error).message}`,
      hint: 'govctl log checkpoint -o note > checkpoint',
      cause,
    });
  }
}

function hashesOf(encoded: readonly string[]): Uint8Array[] {
  return encoded.map((text) => decodeBase64(text) ?? new Uint8Array(0));
}

function wrong(detail: string): Problem {
  return new Problem('integrity', { detail, hint: 'govctl log verify' });
}
