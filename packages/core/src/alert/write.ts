import type { AlertBody, TenantAlerts } from './alert.ts';

/** The writes of alerts. Lists and bodies are JSON text. */
export type AlertWrites = {
  /** First in each unit that changes an alert of the tenant: nobody else changed one meanwhile. 0: there are none yet. */
  'alert.tenant': { readonly tenant_id: string; readonly expected_revision: number; readonly body: string };
  /** `rows`: {alert_key, state, busy, body}[]. */
  'alert.put': { readonly tenant_id: string; readonly rows: string };
  'alert.drop': { readonly tenant_id: string; readonly keys: string };
};

type AlertChange = { readonly [K in keyof AlertWrites]: { readonly write: K; readonly values: AlertWrites[K] } }[keyof AlertWrites];

/** What has to be written for a tenant's alerts to be as they are now; nothing where nothing changed. */
export function alertChanges(tenant_id: string, revision: number, before: TenantAlerts, after: TenantAlerts): readonly AlertChange[] {
  const changed = [...after.alerts].filter(([key, body]) => before.alerts.get(key) !== body && !same(before.alerts.get(key), body));
  const gone = [...before.alerts.keys()].filter((key) => !after.alerts.has(key));
  const tenant = JSON.stringify(after.tenant);
  if (changed.length === 0 && gone.length === 0 && tenant === JSON.stringify(before.tenant)) return [];
  const rows = changed.map(([alert_key, body]) => ({
    alert_key,
    state: body.state,
    busy: isBusy(body) ? 1 : 0,
    body: JSON.stringify(body),
  }));
  return [
    { write: 'alert.tenant', values: { tenant_id, expected_revision: revision, body: tenant } },
    ...(gone.length === 0 ? [] : [{ write: 'alert.drop', values: { tenant_id, keys: JSON.stringify(gone) } } as const]),
    ...(rows.length === 0 ? [] : [{ write: 'alert.put', values: { tenant_id, rows: JSON.stringify(rows) } } as const]),
  ];
}

/** Whether time changes something about it: a notice to send, somebody to tell later, a silence or a firing that ends. */
function isBusy(body: AlertBody): boolean {
  return body.notice !== null || body.state === 'firing' || body.silence !== null;
}

const same = (before: AlertBody | undefined, after: AlertBody) => JSON.stringify(before) === JSON.stringify(after);
