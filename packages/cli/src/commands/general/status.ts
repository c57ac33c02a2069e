import { isProblem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { status } from './declaration.ts';

/** What a caller may not see, or this daemon does not serve, is left out rather than failing the whole. */
async function ifPermitted<T>(question: Promise<T>): Promise<T | null> {
  try {
    return await question;
  } catch (error) {
    if (isProblem(error) && ['forbidden', 'unauthenticated', 'not-found'].includes(error.code)) return null;
    throw error;
  }
}

export const run: Run<typeof status> = async ({ client, target }) => {
  const { endpoint, context } = await target();
  const daemon = await client.call('system.version');
  const [ready, open, holds, audits, handoff] = await Promise.all([
    client.call('system.ready'),
    ifPermitted(client.call('promotion.ls', { query: { open: 'true', limit: 500 } })),
    ifPermitted(client.call('hold.ls', { query: {} })),
    ifPermitted(client.call('audit.overdue', { query: {} })),
    ifPermitted(client.call('handoff.status')),
  ]);
  return {
    document: asDocument('Status', {
      endpoint: 'socket' in endpoint ? endpoint.socket : endpoint.url,
      context,
      ready: ready.ready,
      version: daemon.version,
      environment: daemon.environment,
      api: daemon.api,
      checks: ready.checks,
      waiting: {
        ...(open === null ? {} : { open_promotions: open.items.length }),
        ...(holds === null ? {} : { holds: holds.items.length }),
        ...(audits === null
          ? {}
          : { pending_audits: audits.items.length, overdue_audits: audits.items.filter((audit) => audit.overdue).length }),
      },
      ...(handoff === null ? {} : { handoff: { coverage: handoff.coverage, lag_rows: handoff.lag_rows, quarantine: handoff.quarantine } }),
    }),
  };
};
