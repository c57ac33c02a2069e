import { type AlertBody, type AlertSettings, silenceAlert } from '@govctl/core/alert';
import { type alertRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { type Actor, mayAffect } from '@govctl/core/identity';
import type { Handlers } from '../http/index.ts';
import { type GovernanceDependencies, governanceContext, keepsChanging, rebuilds } from '../policy/governance.ts';
import { alertsOf, changesOf } from './tenant.ts';

export type AlertDependencies = GovernanceDependencies & { readonly settingsOf: (tenant_id: string) => AlertSettings };

const hourMs = 3_600_000;

/** Lists and silences alerts; what an actor has no grant for is not there. */
export function alertHandlers(deps: AlertDependencies): Handlers<typeof alertRoutes> {
  return {
    async 'alert.ls'({ query: { tenant_id, all }, actor }) {
      const { alerts, tenant } = await alertsOf(deps.database, tenant_id);
      const seen = [...alerts].filter(([, body]) => maySee(actor, 'alert.read', tenant_id, body));
      const items = seen
        .filter(([, { state }]) => all === 'true' || state === 'firing')
        .sort(
          ([, a], [, b]) => a.state.localeCompare(b.state) || a.severity.localeCompare(b.severity) || b.last_at.localeCompare(a.last_at),
        )
        .map(([alert_key, body]) => shown(tenant_id, alert_key, body));
      const suppressed: Partial<Record<keyof AlertBody['suppressed'], number>> = {};
      for (const [, body] of seen) {
        for (const [reason, times] of Object.entries(body.suppressed) as [keyof AlertBody['suppressed'], number][])
          suppressed[reason] = (suppressed[reason] ?? 0) + times;
      }
      const now = Date.parse(deps.now());
      return {
        schemaVersion,
        kind: 'AlertList' as const,
        tenant_id,
        items,
        suppressed,
        overflow: tenant.overflow,
        sent_last_hour: tenant.sent.filter((at) => now - at < hourMs).length,
        per_hour: deps.settingsOf(tenant_id).per_hour,
      };
    },

    async 'alert.silence'({ body: { tenant_id, alert_key, for_s, reason }, actor }) {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const state = await alertsOf(deps.database, tenant_id);
        const known = state.alerts.get(alert_key);
        if (known === undefined || !maySee(actor, 'alert.silence', tenant_id, known))
          throw new Problem('not-found', { detail: `no alert ${alert_key} of tenant ${tenant_id}`, hint: 'govctl alert ls --all' });
        const context = governanceContext(deps, actor);
        const until = new Date(Date.parse(context.at) + for_s * 1000).toISOString();
        const { after, alert, record } = silenceAlert(context, state, { tenant_id, alert_key, alert: known, until, reason });
        const changes = changesOf(tenant_id, state, after);
        const result = await deps.journal.commit({ label: 'alert.silence', changes, records: [record], events: [] });
        if (result.ok) return { schemaVersion, kind: 'Alert' as const, ...shown(tenant_id, alert_key, alert), evidence_ref: record.ref };
      }
      throw keepsChanging(`alert ${alert_key}`);
    },
  };
}

/** An alert of no dataset is the tenant's: for whoever may look at every dataset. */
function maySee(actor: Actor, action: string, tenant_id: string, { dataset_id }: AlertBody): boolean {
  return mayAffect(actor, action, { tenant_id, dataset_id: dataset_id ?? '*' });
}

function shown(tenant_id: string, alert_key: string, body: AlertBody) {
  const { notice: _notice, notice_seq: _seq, counted: _counted, attempts: _attempts, next_attempt_at: _next, told, owed, ...rest } = body;
  return { tenant_id, alert_key, ...rest, told: [...told], owed: [...owed] };
}
