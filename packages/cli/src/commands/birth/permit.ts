import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { birthPermit } from './declaration.ts';

export const run: Run<typeof birthPermit> = async ({ client, now }, { action, key }, flags) => {
  const wrong = (detail: string) => new Problem('usage', { detail, hint: 'govctl birth permit issue KEY --type TYPE --reason TEXT' });
  if (action !== 'issue') throw wrong(`there is no govctl birth permit ${action}`);
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
