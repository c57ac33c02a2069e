export {
  type AlertBody,
  type AlertSignal,
  alertLimit,
  alertSeverities,
  noAlerts,
  suppressionReasons,
  type TenantAlerts,
  type TenantBody,
} from './alert.ts';
export { type AlertSettings, coveredBy, delivered, hear, settleAlerts, undelivered } from './hear.ts';
export { alertRules, reactorKey } from './rule.ts';
export { alertSettings } from './settings.ts';
export { silenceAlert } from './silence.ts';
export { type AlertWrites, alertChanges } from './write.ts';
