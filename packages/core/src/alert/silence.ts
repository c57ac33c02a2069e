import { jcsDigest } from '../evidence/jcs.ts';
import { draftRecord, type RecordDraft, subjectOf } from '../evidence/statement.ts';
import type { GovernanceContext } from '../policy/governance-fact.ts';
import type { AlertBody, Silence, TenantAlerts } from './alert.ts';

/** An operator's word that an alert is known: nobody is told of it until then, and that it was said is on record. */
export function silenceAlert(
  { actor, environment, service_release_id, at, salt }: GovernanceContext,
  state: TenantAlerts,
  what: {
    readonly tenant_id: string;
    readonly alert_key: string;
    readonly alert: AlertBody;
    readonly until: string;
    readonly reason: string;
  },
): { readonly after: TenantAlerts; readonly alert: AlertBody; readonly record: RecordDraft } {
  const { tenant_id, alert_key, until, reason } = what;
  const silence: Silence = { until, reason, by: actor.actor_id };
  const alert = { ...what.alert, silence };
  const subject = `alert/${alert_key}`;
  const record = draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf(subject, jcsDigest({ tenant_id, alert_key }))],
    predicate: {
      environment,
      service_release_id,
      actor: { actor_id: actor.actor_id, authenticated_by: actor.authenticated_by },
      salt,
      previous: null,
      fact: 'alert.silence',
      subject,
      digest: null,
      reason,
      detail: { until, domain: alert.domain, severity: alert.severity },
    },
    run_id: null,
    tenant_id,
    dataset_id: alert.dataset_id,
    recorded_at: at,
  });
  return { after: { ...state, alerts: new Map(state.alerts).set(alert_key, alert) }, alert, record };
}
