import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { auditReport } from './declaration.ts';

export const run: Run<typeof auditReport> = async ({ client }, { report }) => {
  const report_id = Number(report);
  if (!Number.isSafeInteger(report_id) || report_id < 1)
    throw new Problem('usage', { detail: `${JSON.stringify(report)} is no number of a report`, hint: 'govctl audit reports' });
  return { document: await client.call('reconcile.report', { params: { report_id } }) };
};
