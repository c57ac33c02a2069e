import type { Run } from '../../command.ts';
import type { auditClose } from './declaration.ts';

export const run: Run<typeof auditClose> = async ({ client }, { audit }, flags) => {
  const document = await client.call('audit.close', { params: { audit_id: audit }, body: { reason: flags.reason } });
  return { document, names: [document.audit_id] };
};
