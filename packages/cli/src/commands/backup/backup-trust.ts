import { isProblem } from '@govctl/core/api';
import type { TrustRoot } from '@govctl/core/evidence';
import type { CommandContext } from '../../command.ts';
import { pinnedTrust } from '../evidence/pinned-trust.ts';

/**
 * The root that counts for a backup of a log: the one given, whatever the log; else the context's, where it is of that log. Somebody who
 * restores on a new machine has no context, and somebody who looks at another deployment's backup has another one.
 */
export async function backupTrust(context: CommandContext, given: string | undefined): Promise<(origin: string) => TrustRoot | undefined> {
  if (given !== undefined) {
    const root = await pinnedTrust(context, given);
    return () => root;
  }
  const root = await pinnedTrust(context, undefined).catch((error: unknown) => {
    if (isProblem(error)) return undefined;
    throw error;
  });
  return (origin) => (root?.origin === origin ? root : undefined);
}
