import { z } from 'zod';
import { nameSchema } from '../api/common.ts';
import { typesMatching } from '../event/filter.ts';
import { durationMs, durationSchema } from '../policy/duration.ts';

const between = (least: number, most: number, said: string) =>
  durationSchema.refine((text) => !durationSchema.safeParse(text).success || (durationMs(text) >= least && durationMs(text) <= most), said);

const hostName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$|^\[[0-9a-f:.]+\]$/, 'a host name in lower case, as it stands in the URL, like hooks.example');

const endpoint = z.strictObject({
  name: nameSchema.describe('What logs, metrics and `event lanes` call it.'),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .refine(
      (url) => !URL.canParse(url) || (new URL(url).username === '' && new URL(url).password === ''),
      'must have no user and no password',
    )
    .describe('Where events are posted. Its host must stand in `allow_hosts`.'),
  secret_file: z
    .string()
    .min(1)
    .max(4096)
    .describe('File with the signing secret, `whsec_` and base64 (0600). One a line: while one is replaced, both sign.'),
  types: z
    .array(
      z
        .string()
        .max(64)
        .refine((type) => typesMatching(type) !== null, 'no event type matches'),
    )
    .max(64)
    .default(['*'])
    .describe('Which events it gets: `run.failed`, `store.*`. Empty: none, which leaves alerts.'),
  tenants: z.array(nameSchema).max(256).optional().describe('Of which tenants; all when absent.'),
});

/** `webhooks`: where events are sent, and nowhere else. */
export const webhooksConfigSchema = z.strictObject({
  allow_hosts: z
    .array(hostName)
    .max(64)
    .default([])
    .describe(
      'Hosts that may be reached at all, by exact name. Addresses of private, loopback and link-local networks are refused whatever a name resolves to.',
    ),
  allow_loopback: z.boolean().default(false).describe('Lets endpoints be on loopback, also over http; local_parity only.'),
  timeout: between(1000, 60_000, 'must be 1s to 60s').default('10s').describe('How long a receiver may take to answer.'),
  attempts: z.int().min(1).max(20).default(10).describe('Attempts before an event becomes a dead letter: ten are about fourteen hours.'),
  endpoints: z.array(endpoint).max(16).default([]).describe('Receivers (Standard Webhooks).'),
});

const cooldowns = z
  .record(nameSchema, durationSchema)
  .describe('After an alert of this domain was told, others of it wait so long: incidents, policies, runs, audit, handoff, system.');
const fatigue = {
  dedup_window: durationSchema.default('60s').describe('The same alert is told once in this time.'),
  per_hour: z.int().min(1).max(1000).default(100).describe('Notices of a tenant in any hour.'),
  cooldowns: cooldowns.default({ incidents: '300s', policies: '600s' }),
};
const tenant = z.strictObject({
  enabled: z.boolean().default(true).describe('False: nobody is told, it is only counted.'),
  dedup_window: durationSchema.optional(),
  per_hour: z.int().min(1).max(1000).optional(),
  cooldowns: cooldowns.optional(),
});

/** `alerts`: who is told of what fires, and how often. */
export const alertsConfigSchema = z.strictObject({
  sinks: z
    .array(z.string().regex(/^(log|webhook\/[a-z0-9A-Z][a-zA-Z0-9._-]{0,127})$/, 'a sink: log, or webhook/ and the name of an endpoint'))
    .max(8)
    .default(['log'])
    .describe("Who is told: `log` (the daemon's own), `webhook/NAME` (an endpoint)."),
  ...fatigue,
  expire_after: durationSchema.default('24h').describe('An alert that was not seen again for so long is over.'),
  tenants: z.record(nameSchema, tenant).default({}).describe('What is different for a tenant.'),
});

/** `reactor`: how the reader of events is watched. */
export const reactorConfigSchema = z.strictObject({
  heartbeat: between(1000, 3_600_000, 'must be 1s to 1h')
    .default('30s')
    .describe('How often it says that it lives; three misses are a system incident.'),
});

type Issue = { readonly path: (string | number)[]; readonly message: string };

/** What only shows when the parts are seen together. */
export function laneIssues(
  environment: string,
  webhooks: z.output<typeof webhooksConfigSchema>,
  alerts: z.output<typeof alertsConfigSchema>,
): readonly Issue[] {
  const issues: Issue[] = [];
  if (webhooks.allow_loopback && environment !== 'local_parity')
    issues.push({ path: ['webhooks', 'allow_loopback'], message: `${environment} must not post to loopback: only local_parity may` });
  const names = new Set<string>();
  for (const [at, { name, url }] of webhooks.endpoints.entries()) {
    const { hostname, protocol } = new URL(url);
    const path = ['webhooks', 'endpoints', at, 'url'];
    if (!webhooks.allow_hosts.includes(hostname)) issues.push({ path, message: `${hostname} is not one of webhooks.allow_hosts` });
    if (protocol === 'http:' && !(webhooks.allow_loopback && isLoopbackName(hostname)))
      issues.push({ path, message: 'https only; http is for loopback, with webhooks.allow_loopback' });
    if (names.has(name)) issues.push({ path: ['webhooks', 'endpoints', at, 'name'], message: 'this name is there already' });
    names.add(name);
  }
  for (const [at, sink] of alerts.sinks.entries())
    if (sink !== 'log' && !names.has(sink.slice('webhook/'.length)))
      issues.push({ path: ['alerts', 'sinks', at], message: 'there is no endpoint of this name under webhooks.endpoints' });
  return issues;
}

/** Whether a URL names this machine itself. */
export const isLoopbackName = (host: string) => host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
