import { z } from 'zod';
import { isLoopbackName } from './lane-config.ts';

/** `observability.otlp`: where traces are shown besides the database. */
export const otlpConfigSchema = z.strictObject({
  endpoint: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .refine((url) => !URL.canParse(url) || isPlain(new URL(url)), 'must have no user, password, query or fragment')
    .refine(
      (url) => !URL.canParse(url) || new URL(url).protocol === 'https:' || isLoopbackName(new URL(url).hostname),
      'must be https, or http to loopback',
    )
    .describe('Base URL of a collector (OTLP/HTTP, JSON); `/v1/traces` is added. https, or http to loopback.'),
  headers_file: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('File (0600) with headers for it, `name: value` a line: a token. Read at each export.'),
  allow_private: z.boolean().default(false).describe('Lets the collector be at a private address (10/8, 172.16/12, 192.168/16, fc00::/7).'),
});

function isPlain({ username, password, search, hash }: URL): boolean {
  return username === '' && password === '' && search === '' && hash === '';
}
