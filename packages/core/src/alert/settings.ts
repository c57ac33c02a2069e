import type { GovdConfig } from '../config/govd-config.ts';
import { durationMs } from '../policy/duration.ts';
import type { AlertSettings } from './hear.ts';

/** What counts for a tenant's alerts: its own settings, and for the rest those of all. */
export function alertSettings(alerts: GovdConfig['alerts'], tenant_id: string): AlertSettings {
  const own = Object.hasOwn(alerts.tenants, tenant_id) ? alerts.tenants[tenant_id] : undefined;
  const cooldowns = { ...alerts.cooldowns, ...own?.cooldowns };
  return {
    enabled: own?.enabled ?? true,
    dedup_window_ms: durationMs(own?.dedup_window ?? alerts.dedup_window),
    per_hour: own?.per_hour ?? alerts.per_hour,
    cooldowns_ms: Object.fromEntries(Object.entries(cooldowns).map(([domain, text]) => [domain, durationMs(text)])),
    sinks: alerts.sinks,
    expire_after_ms: durationMs(alerts.expire_after),
  };
}
