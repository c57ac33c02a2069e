export { type Backoff, backoffMs } from './backoff.ts';
export { parseWebhookSecrets, signWebhook, type WebhookMessage } from './signature.ts';
