import { Problem } from '@govctl/core/api';
import type { CommandContext, Run } from '../../command.ts';
import type { FlagValues } from '../../flag.ts';
import type { CommandResult } from '../../output/result.ts';
import type { birthPermit } from './declaration.ts';

type Flags = FlagValues<NonNullable<(typeof birthPermit)['flags']>>;

export const run: Run<typeof birthPermit> = async ({ client, now }, { action, key }, flags) => {
  const wrong = (detail: string) => new Problem('usage', { detail, hint: 'govctl birth permit issue KEY --type TYPE --reason TEXT' });
  if (action === 'ls' || action === 'revoke') return await manage({ client }, action, key, flags);
  if (action !== 'issue') throw wrong(`there is no govctl birth permit ${action}`);
  if (flags.reason === undefined) throw wrong('why is it issued? The reason is recorded');
  if (flags.limit !== undefined) throw wrong('--limit goes with ls');
  const common = {
    reason: flags.reason,
    ...(flags.id === undefined ? {} : { permit_id: flags.id }),
    ...(flags.expiresIn === undefined ? {} : { expires_at: new Date(now().getTime() + flags.expiresIn).toISOString() }),
  };
  if (flags.bulk) {
    if (key !== undefined || flags.type !== undefined) throw wrong('a bulk permit is for any objects: leave key and --type out');
    const document = await client.call('birth.permit', {
      body: { permit_kind: 'bulk', ...common, ...(flags.max === undefined ? {} : { max_births: flags.max }) },
    });
    return { document, names: [document.permit_id] };
  }
  if (key === undefined || flags.type === undefined) throw wrong('a permit is for one object: name its key and --type, or give --bulk');
  if (flags.max !== undefined) throw wrong('--max goes with --bulk: any other permit admits one birth');
  const document = await client.call('birth.permit', {
    body: { permit_kind: 'single', object_key: key, object_type: flags.type, ...common },
  });
  return { document, names: [document.permit_id] };
};

/** `ls [KEY]` and `revoke PERMIT`. */
async function manage(
  { client }: Pick<CommandContext, 'client'>,
  action: 'ls' | 'revoke',
  subject: string | undefined,
  flags: Flags,
): Promise<CommandResult> {
  const usage = action === 'ls' ? 'govctl birth permit ls [KEY]' : 'govctl birth permit revoke PERMIT --reason TEXT';
  const { reason, limit, ...others } = flags;
  const [lone] = Object.entries(others).find(([, value]) => value !== undefined && value !== false) ?? [];
  const foreign =
    lone ?? (action === 'ls' && reason !== undefined ? 'reason' : action === 'revoke' && limit !== undefined ? 'limit' : undefined);
  if (foreign !== undefined) throw new Problem('usage', { detail: `that flag has no meaning with ${action}: ${foreign}`, hint: usage });
  if (action === 'ls') {
    const query = { ...(limit === undefined ? {} : { limit }), ...(subject === undefined ? {} : { object_key: subject }) };
    const document = await client.call('birth.permit-list', { query });
    return { document, names: document.items.map((item) => item.permit_id) };
  }
  if (subject === undefined) throw new Problem('usage', { detail: 'which permit should be revoked?', hint: 'govctl birth permit ls' });
  if (reason === undefined) throw new Problem('usage', { detail: 'why is it revoked? The reason is recorded', hint: usage });
  const document = await client.call('birth.permit-revoke', { params: { permit_id: subject }, body: { reason } });
  return { document, names: [document.permit_id] };
}
