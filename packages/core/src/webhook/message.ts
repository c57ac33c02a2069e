import { createHash } from 'node:crypto';
import type { AlertBody } from '../alert/alert.ts';
import type { PlacedEvent } from '../event/envelope.ts';
import { cloudEventOf } from '../event/envelope.ts';
import type { WebhookMessage } from './signature.ts';

/** Ids have no dot: the signature separates by it. A digest of the deployment keeps those of two deployments apart at one receiver. */
const short = (text: string, digits: number) => createHash('sha256').update(text).digest('hex').slice(0, digits);

/** An event as a receiver gets it: the CloudEvent itself, and an id that is the same at each attempt. */
export function eventMessage(event: PlacedEvent, source: string): WebhookMessage {
  return { id: `evt_${short(source, 12)}_${event.outbox_id}_${event.index}`, body: JSON.stringify(cloudEventOf(event, source)) };
}

export type AlertNotice = {
  readonly type: 'alert.firing' | 'alert.resolved';
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/** Keys a notice names of those it tells of too; the rest is a number. */
const coveredLimit = 10;

/** What somebody is told of an alert. */
export function alertNotice(tenant_id: string, alert_key: string, body: AlertBody, covers: readonly string[], at: string): AlertNotice {
  const { domain, severity, summary, fix, dataset_id, run_id, first_at, last_at, occurrences, suppressed } = body;
  const firing = body.notice === 'firing';
  return {
    type: firing ? 'alert.firing' : 'alert.resolved',
    timestamp: at,
    data: {
      tenant_id,
      alert_key,
      domain,
      severity,
      summary,
      fix,
      dataset_id,
      run_id,
      first_at,
      last_at,
      occurrences,
      suppressed,
      ...(firing ? {} : { resolved_at: body.resolved_at, why: body.resolved_why }),
      ...(covers.length === 0 ? {} : { also_firing: covers.slice(0, coveredLimit), also_firing_count: covers.length }),
    },
  };
}

/** The notice for a webhook: its id names alert and notice, so that who gets it twice can tell. */
export function alertMessage(notice: AlertNotice, seq: number, source: string): WebhookMessage {
  const { tenant_id, alert_key } = notice.data;
  return { id: `alr_${short(`${source}\n${String(tenant_id)}\n${String(alert_key)}`, 16)}_${seq}`, body: JSON.stringify(notice) };
}
