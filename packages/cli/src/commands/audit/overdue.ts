import type { Run } from '../../command.ts';
import type { auditOverdue } from './declaration.ts';

export const run: Run<typeof auditOverdue> = async ({ client }, _args, flags) => {
  const { items, ...list } = await client.call('audit.overdue', {
    query: {
      ...(flags.dataset === undefined ? {} : { dataset_id: flags.dataset }),
      ...(flags.tenant === undefined ? {} : { tenant_id: flags.tenant }),
      ...(flags.all ? { all: 'true' as const } : {}),
    },
  });
  return { document: { ...list, items }, names: items.map(({ audit_id }) => audit_id) };
};
