import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Problem, parseStrictJson } from '@govctl/core/api';
import { loadTrust, type TrustRoot } from '@govctl/core/evidence';
import type { CommandContext } from '../../command.ts';

const pin = 'govctl context add NAME --socket PATH --trust-file trust.json --replace (or --trust FILE for this once)';

/**
 * The root that verification believes: `--trust FILE`, else the one pinned in the context. Reads files, opens nothing.
 *
 * @throws Problem `untrusted-keys` where none is pinned, or it is refused
 */
export async function pinnedTrust(context: Pick<CommandContext, 'target' | 'cwd'>, given: string | undefined): Promise<TrustRoot> {
  const file = given === undefined ? (await context.target()).trust_file : resolve(context.cwd, given);
  if (file === null)
    throw new Problem('untrusted-keys', { detail: 'no trust root is pinned: whose signatures count cannot be told', hint: pin });
  let document: unknown;
  try {
    document = parseStrictJson(await readFile(file));
  } catch (cause) {
    throw new Problem('untrusted-keys', {
      detail: `the trust root ${file} cannot be read: ${(cause as Error).message}`,
      hint: pin,
      cause,
    });
  }
  return loadTrust(document);
}
