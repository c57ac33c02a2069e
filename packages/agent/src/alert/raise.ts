import { type AlertSettings, type AlertSignal, hear } from '@govctl/core/alert';
import type { Database } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { alertsOf, changesOf } from './tenant.ts';

type RaiseDependencies = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly settingsOf: (tenant_id: string) => AlertSettings;
  readonly now: () => string;
};

/** Says something of the deployment itself, which no event tells of. */
export async function raiseAlert(deps: RaiseDependencies, tenant_id: string, signal: AlertSignal): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const before = await alertsOf(deps.database, tenant_id);
    const changes = changesOf(tenant_id, before, hear(before, [signal], deps.settingsOf(tenant_id), deps.now()));
    if (changes.length === 0) return;
    if ((await deps.journal.commit({ label: 'alert.raise', changes, records: [], events: [] })).ok) return;
  }
}
