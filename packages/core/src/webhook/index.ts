export { type Backoff, backoffMs } from './backoff.ts';
export { type AlertNotice, alertMessage, alertNotice, eventMessage } from './message.ts';
export { parseWebhookSecrets, signWebhook, type WebhookMessage } from './signature.ts';
