import { readFileSync, statSync } from 'node:fs';
import { parseWebhookSecrets, signWebhook, type WebhookMessage } from '@govctl/core/webhook';
import type { Poster } from './post.ts';

export type EndpointSettings = {
  readonly name: string;
  readonly url: string;
  /** Absolute. */
  readonly secret_file: string;
  /** Files of our own must be closed to others; credentials are closed by systemd, with an ACL. */
  readonly guardedBy: 'mode' | 'systemd';
};

/** What became of one attempt: null, or why it failed and when the receiver wants the next. */
export type Failure = { readonly error: string; readonly retry_after_s: number | null };

export type Endpoint = {
  readonly name: string;
  /** Signs and posts once. */
  send(message: WebhookMessage, contentType: string, signal: AbortSignal): Promise<Failure | null>;
};

/** A receiver. Its secret is read at each attempt: a new one needs no restart, and it stands nowhere else. */
export function endpoint(settings: EndpointSettings, poster: Poster, now: () => string, version: string): Endpoint {
  return {
    name: settings.name,
    async send(message, contentType, signal) {
      try {
        const secrets = readSecrets(settings);
        const signed = signWebhook(message, Math.floor(Date.parse(now()) / 1000), secrets);
        const headers = { 'content-type': contentType, 'user-agent': `govd/${version}`, ...signed };
        const { status, retry_after_s } = await poster.post(settings.url, headers, message.body, signal);
        if (status >= 200 && status < 300) return null;
        const redirect = status >= 300 && status < 400 ? '; redirects are not followed' : '';
        return { error: `it answered ${status}${redirect}`, retry_after_s };
      } catch (error) {
        return { error: error instanceof Error ? error.message : 'it failed', retry_after_s: null };
      }
    },
  };
}

function readSecrets({ secret_file, guardedBy }: EndpointSettings): readonly Uint8Array[] {
  let text: string;
  try {
    if (guardedBy === 'mode' && (statSync(secret_file).mode & 0o077) !== 0) throw new Error('others can read it: chmod 600');
    text = readFileSync(secret_file, 'utf8');
  } catch (cause) {
    throw new Error(`secret_file: ${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}`);
  }
  try {
    return parseWebhookSecrets(text);
  } catch (error) {
    throw new Error(`secret_file: ${(error as Error).message}`);
  }
}
