import type { Run } from '../../command.ts';
import type { evidenceVerify } from './declaration.ts';
import { pinnedTrust } from './pinned-trust.ts';
import { readEvidenceFile } from './read-file.ts';
import { verifyFile } from './verification.ts';

/** Opens no connection: the client is not touched. */
export const run: Run<typeof evidenceVerify> = async (context, { file }, { trust, ref, subject }) => {
  const [root, bytes] = await Promise.all([pinnedTrust(context, trust), readEvidenceFile(context, file)]);
  const { document } = verifyFile(bytes, root, {
    ...(ref === undefined ? {} : { ref }),
    ...(subject === undefined ? {} : { subject }),
  });
  return { document, ...(document.verified ? {} : { exit: 'integrity' as const }) };
};
