import type { AlertBody, SuppressionReason, TenantAlerts, TenantBody } from './alert.ts';

/** How a tenant's alerts are kept from tiring people. */
export type FatigueSettings = {
  readonly enabled: boolean;
  readonly dedup_window_ms: number;
  readonly per_hour: number;
  readonly cooldowns_ms: Readonly<Record<string, number>>;
};

/** Notices that were let out and reached nobody yet. They count as sent: nothing else may take their place meanwhile. */
export type OnTheirWay = { total: number; readonly domains: Map<string, number> };

const hourMs = 3_600_000;

/** Whether a notice of this alert may go out now, or why not. */
export function suppressionOf(
  alert: AlertBody,
  parentFires: boolean,
  tenant: TenantBody,
  onTheirWay: OnTheirWay,
  settings: FatigueSettings,
  now: number,
): SuppressionReason | null {
  const { domain, silence, sent_at } = alert;
  if (!settings.enabled) return 'DISABLED';
  if (silence !== null && Date.parse(silence.until) > now) return 'SILENCED';
  if (parentFires) return 'PARENT_FIRING';
  if (isOnItsWay(alert) || within(sent_at === null ? undefined : Date.parse(sent_at), settings.dedup_window_ms, now)) return 'DUPLICATE';
  const cooldown = settings.cooldowns_ms[domain] ?? 0;
  if (cooldown > 0 && (within(tenant.domains[domain], cooldown, now) || onTheirWay.domains.has(domain))) return 'DOMAIN_COOLDOWN';
  const sent = tenant.sent.filter((at) => within(at, hourMs, now)).length;
  return sent + onTheirWay.total >= settings.per_hour ? 'TENANT_RATE_LIMIT' : null;
}

export function onTheirWay(alerts: Iterable<AlertBody>): OnTheirWay {
  const found: OnTheirWay = { total: 0, domains: new Map() };
  for (const alert of alerts) if (isOnItsWay(alert)) letOut(found, alert.domain);
  return found;
}

export function letOut(way: OnTheirWay, domain: string): void {
  way.total += 1;
  way.domains.set(domain, (way.domains.get(domain) ?? 0) + 1);
}

/** A send succeeded: from now on it counts against its domain and the tenant. */
export function countSent(tenant: TenantBody, domain: string, now: number): TenantBody {
  const sent = [...tenant.sent.filter((at) => within(at, hourMs, now)), now];
  return { ...tenant, sent, domains: { ...tenant.domains, [domain]: now } };
}

/**
 * A clock that was set back leaves times of sending in the future. They count as if they were now: what was sent keeps others quiet for
 * one window, not for the hours the clock went back.
 */
export function heedClock({ tenant, alerts }: TenantAlerts, now: number): TenantAlerts {
  const late = [...alerts].filter(([, { sent_at }]) => sent_at !== null && Date.parse(sent_at) > now);
  const domains = Object.fromEntries(Object.entries(tenant.domains).map(([domain, at]) => [domain, Math.min(at, now)]));
  return {
    tenant: { ...tenant, domains, sent: tenant.sent.map((at) => Math.min(at, now)) },
    alerts: new Map([...alerts, ...late.map(([key, body]) => [key, { ...body, sent_at: new Date(now).toISOString() }] as const)]),
  };
}

const isOnItsWay = (alert: AlertBody) => alert.notice === 'firing' && !alert.counted;

const within = (at: number | undefined, window: number, now: number) => at !== undefined && now - at < window;
