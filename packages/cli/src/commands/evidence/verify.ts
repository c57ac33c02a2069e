import { resolve } from 'node:path';
import type { CommandContext, Run } from '../../command.ts';
import { archiveReader, beginningLength, isArchive, verifyArchiveFile } from './archive-file.ts';
import type { evidenceVerify } from './declaration.ts';
import { pinnedTrust } from './pinned-trust.ts';
import { beginningOf, readEvidenceFile } from './read-file.ts';
import { type VerificationDocument, verifyFile } from './verification.ts';

/** Opens no connection: the client is not touched. */
export const run: Run<typeof evidenceVerify> = async (context, { file }, { trust, ref, subject }) => {
  const root = await pinnedTrust(context, trust);
  const expected = { ...(ref === undefined ? {} : { ref }), ...(subject === undefined ? {} : { subject }) };
  const document = isArchive(await beginningOf(context, file, beginningLength))
    ? await verifyArchiveFile(context, resolve(context.cwd, file), root, expected)
    : await verifyWhole(context, file, root, expected);
  return { document, ...(document.verified ? {} : { exit: 'integrity' as const }) };
};

async function verifyWhole(
  context: CommandContext,
  file: string,
  root: Awaited<ReturnType<typeof pinnedTrust>>,
  expected: { readonly ref?: string; readonly subject?: string },
): Promise<VerificationDocument> {
  const bytes = await readEvidenceFile(context, file);
  if (!isArchive(bytes)) return verifyFile(bytes, root, expected).document;
  const reader = archiveReader(root, expected);
  reader.take(bytes);
  return reader.end();
}
