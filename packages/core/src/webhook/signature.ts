import { createHmac } from 'node:crypto';

const prefix = 'whsec_';
/** Lengths of a key the specification allows, in bytes. */
const [fewest, most] = [24, 64];
/** While a secret is replaced, messages carry a signature of the old one and of the new one. */
const secretLimit = 4;

/**
 * The secrets of an endpoint, one a line: `whsec_` and base64. The error never holds what it read.
 * @throws RangeError
 */
export function parseWebhookSecrets(text: string): readonly Uint8Array[] {
  const lines = text.split('\n').map((line) => line.trim());
  const secrets = lines.filter((line) => line !== '').map((line, at) => parseSecret(line, at + 1));
  if (secrets.length === 0) throw new RangeError('it holds no secret');
  if (secrets.length > secretLimit) throw new RangeError(`it holds more than ${secretLimit} secrets`);
  return secrets;
}

function parseSecret(line: string, number: number): Uint8Array {
  if (!line.startsWith(prefix)) throw new RangeError(`secret ${number} does not begin with ${prefix}`);
  const key = Buffer.from(line.slice(prefix.length), 'base64');
  if (key.toString('base64').replaceAll('=', '') !== line.slice(prefix.length).replaceAll('=', ''))
    throw new RangeError(`secret ${number} is not base64 after ${prefix}`);
  if (key.byteLength < fewest || key.byteLength > most)
    throw new RangeError(`secret ${number} has ${key.byteLength} bytes, not ${fewest} to ${most}`);
  return key;
}

/** A message to a receiver. The id stays the same however often it is sent. */
export type WebhookMessage = { readonly id: string; readonly body: string };

/**
 * The headers of a message (Standard Webhooks 1.0): who holds the secret can tell that it is ours, whole, and not old.
 * @param seconds when this attempt is made, in Unix time
 */
export function signWebhook(
  message: WebhookMessage,
  seconds: number,
  secrets: readonly Uint8Array[],
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const signed = `${message.id}.${seconds}.${message.body}`;
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': secrets.map((secret) => `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`).join(' '),
  };
}
