import type { Run } from '../../command.ts';
import type { auditReports } from './declaration.ts';

export const run: Run<typeof auditReports> = async ({ client }, _args, flags) => {
  const document = await client.call('reconcile.reports', { query: { limit: flags.limit } });
  return { document, names: document.items.map(({ report_id }) => String(report_id)) };
};
