import { z } from 'zod';
import { nameSchema, timestampSchema } from '../api/common.ts';
import { environments } from '../environment/environment.ts';
import { parseCosignerKey } from '../evidence/cosignature.ts';
import { retentionSchema } from '../evidence/retention.ts';
import { durationMs, durationSchema } from '../policy/duration.ts';
import { observabilityModes } from '../run/observability.ts';
import { alertsConfigSchema, laneIssues, reactorConfigSchema, webhooksConfigSchema } from './lane-config.ts';
import { otlpConfigSchema } from './otlp-config.ts';
import { handoffConfigSchema, postgresConfigSchema } from './postgres-config.ts';
import { runsConfigSchema } from './runs-config.ts';

/** Said here already: a daemon that cannot check what a witness says must not start. */
function isCosignerKey(vkey: string): boolean {
  try {
    parseCosignerKey(vkey);
    return true;
  } catch {
    return false;
  }
}
const file = z.string().min(1).max(4096);
/** What no duration is, is refused as such and not for its length. */
const isCapabilityTtl = (text: string) =>
  !durationSchema.safeParse(text).success || (durationMs(text) >= 1000 && durationMs(text) <= 300_000);
const isAssistExpiry = (text: string) =>
  !durationSchema.safeParse(text).success || (durationMs(text) >= 60_000 && durationMs(text) <= 30 * 86_400_000);
/** Where receipts send people: a page, and nothing that is told to it on the way. */
function isPlainHttps(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return protocol === 'https:' && username === '' && password === '' && search === '' && hash === '' && !/[?#]/.test(text);
}
const origin = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\s+]+$/, 'a name without white space and plus, like govd.example/log');

const socketMode = z
  .string()
  .regex(/^0[0-7]{3}$/, "a mode of four octal digits, like '0660'")
  .refine((mode) => !/[2367]$/.test(mode), 'others must not be able to write to the socket')
  .default('0600')
  .describe('Who may open the socket.');

const signerSchema = z.strictObject({
  key_id: z.string().min(1).max(256).describe('What a bundle names this key by.'),
  role: nameSchema.describe("The role a contract's `signers` asks for."),
  public_key: z.string().min(1).max(1024).describe('SubjectPublicKeyInfo in base64 (Ed25519).'),
  valid_from: timestampSchema.describe('Signatures before this time do not count.'),
  valid_until: timestampSchema.nullable().default(null).describe('Signatures from this time on do not count.'),
  revoked_at: timestampSchema.nullable().default(null).describe('When the key was taken back; from then on nothing it signed counts.'),
});

const witnessSchema = z.strictObject({
  vkey: z
    .string()
    .max(1024)
    .refine(isCosignerKey, 'must be the verifier key of a witness: NAME+ID+BASE64 (govctl log witness show --state-dir D)')
    .describe('Its verifier key (C2SP tlog-cosignature, type 04).'),
  url: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !/[?#]/.test(url), 'must have no query and no fragment')
    .describe('Its submission prefix: add-checkpoint is under it.'),
});

/** Evidence goes in the clear over loopback only, and over that only where everything is on one machine. */
function fetchIssues(config: {
  readonly environment: string;
  readonly listeners: { readonly fetch?: { readonly host: string; readonly tls?: unknown } | undefined };
  readonly evidence: { readonly public_url?: string | undefined };
}): readonly string[] {
  const { environment, evidence } = config;
  const { fetch } = config.listeners;
  if (fetch === undefined) return [];
  const far = !/^127\.|^::1$/.test(fetch.host);
  return [
    ...(environment !== 'local_parity' && fetch.tls === undefined
      ? [`${environment} must not serve evidence without TLS: only local_parity may open a loopback listener`]
      : []),
    ...(far && fetch.tls === undefined ? [`${fetch.host} is not loopback: evidence leaves this machine over TLS only`] : []),
    ...(far && evidence.public_url === undefined
      ? [`${fetch.host} is not loopback: evidence.public_url must say by what name the listener is reached`]
      : []),
  ];
}

/** `govd.yaml`. Closed, and complete with defaults: what stands here is everything the daemon can be told. */
export const govdConfigSchema = z
  .strictObject({
    apiVersion: z.literal('govctl/v1'),
    kind: z.literal('GovdConfig'),
    environment: z.enum(environments).describe('Which environment this deployment is; recorded in every fact.'),
    service_release_id: nameSchema.optional().describe('Release recorded in every fact; the version of govd when absent.'),
    log: z
      .strictObject({
        origin: origin.describe('Name of the evidence log, in every checkpoint for ever.'),
        witnesses: z
          .array(witnessSchema)
          .max(16)
          .default([])
          .describe('Who is asked to cosign each checkpoint (C2SP tlog-witness). Best run by others, on other machines.'),
        quorum: z
          .int()
          .min(0)
          .max(16)
          .default(0)
          .describe('How many of them must have cosigned a promotion before its run is complete; 0: nothing waits for them.'),
        heartbeat: durationSchema.default('1m').describe('How often they cosign a log that did not grow, so that a frozen view shows.'),
        witness_timeout: durationSchema.default('5s').describe('How long a witness may take to answer.'),
        second_place: file.optional().describe('File that keeps the last signed checkpoint outside the database. Best on another disk.'),
      })
      .describe('The evidence log.'),
    store: z
      .strictObject({
        postgres: postgresConfigSchema.optional().describe('PostgreSQL (14 or later) instead of SQLite in the state folder.'),
      })
      .prefault({})
      .describe('Where state and evidence are kept.'),
    handoff: handoffConfigSchema.prefault({}).describe('Where births are read.'),
    secrets: z
      .strictObject({
        provider: z
          .enum(['files', 'systemd'])
          .default('files')
          .describe(
            '`files`: keys in the state folder, passwords where `password_file` says, all 0600. `systemd`: credentials of the unit (LoadCredential); `password_file` names one.',
          ),
      })
      .prefault({})
      .describe('Where private keys and passwords come from. Never from arguments or the environment.'),
    listeners: z
      .strictObject({
        operator: z
          .strictObject({
            socket: file.optional().describe('Unix socket; `govd.sock` in the state folder when absent.'),
            mode: socketMode,
          })
          .prefault({})
          .describe('For operators. A socket that systemd hands over takes its place.'),
        admin: z
          .strictObject({ socket: file.describe('Unix socket.'), mode: socketMode })
          .optional()
          .describe('A socket of its own for what says who may do what (API keys); such requests are refused on the other one then.'),
        fetch: z
          .strictObject({
            host: z
              .union([z.ipv4(), z.ipv6()])
              .default('127.0.0.1')
              .describe('Address to listen on. Others than loopback need `tls` and `evidence.public_url`.'),
            port: z.int().min(0).max(65535).describe('Port; 0 is any free one.'),
            tls: z
              .strictObject({
                cert_file: file.describe('Certificate and its chain, PEM. Relative paths are relative to the state folder.'),
                key_file: file.describe('Its private key, PEM, 0600; the name of a credential where `secrets.provider` is systemd.'),
                client_ca_file: file
                  .optional()
                  .describe(
                    'Authority of clients, PEM: without a certificate of it nobody connects, and URLs can be bound to one. Absent: no client certificate is asked for.',
                  ),
              })
              .optional()
              .describe('TLS 1.2 or later. The files are read again at SIGHUP. Absent: in the clear, over loopback.'),
          })
          .optional()
          .describe('Opens signed evidence URLs, and serves nothing else. Without TLS local_parity only. Absent: none.'),
      })
      .prefault({})
      .describe('Where govd listens.'),
    authentication: z
      .strictObject({ mode: z.enum(['api-key']).default('api-key').describe('How callers prove who they are.') })
      .prefault({})
      .describe('One mode per deployment.'),
    signers: z.array(signerSchema).max(256).default([]).describe('Keys that may sign evidence bundles.'),
    evidence: z
      .strictObject({
        capability_ttl: durationSchema
          .refine(isCapabilityTtl, 'must be 1s to 300s')
          .default('60s')
          .describe('How long a signed evidence URL can be used; 300s at most.'),
        public_url: z
          .url({ protocol: /^https?$/ })
          .refine((url) => !/[?#]|\/$/.test(url), 'must have no slash, query or fragment at the end')
          .optional()
          .describe('Where signed evidence URLs point, without a slash at the end; the fetch listener when absent, else the socket.'),
      })
      .prefault({})
      .describe('Access to evidence.'),
    retention: retentionSchema.prefault({}).describe('How long payloads of evidence are kept; leaves and proofs stay for ever.'),
    reactor: reactorConfigSchema.prefault({}).describe('What reads committed events and reacts: alerts.'),
    webhooks: webhooksConfigSchema.prefault({}).describe('Where events are sent.'),
    alerts: alertsConfigSchema.prefault({}).describe('Who is told of what fires, and how often.'),
    audit: z
      .strictObject({
        run_timeout: durationSchema
          .default('30s')
          .describe('How long a promotion may take from its start, not counting time deferred or paused; jobs have limits of their own.'),
        grace: durationSchema.default('5s').describe('How long after that a run may be unfinalized before it counts as stale.'),
        check_every: durationSchema.default('5s').describe('How often runs that are past what they owe are looked for.'),
        reconcile_every: durationSchema.default('1h').describe('How often everything is reconciled, with a report that is kept.'),
      })
      .prefault({})
      .describe('The audit contract: what every run owes, and when it is missed.'),
    runs: runsConfigSchema.prefault({}).describe('Jobs: what may run here, and how much of it.'),
    receipt: z
      .strictObject({
        remote_assist: z
          .strictObject({
            url: z
              .url({ protocol: /^https$/ })
              .max(512)
              .refine(isPlainHttps, 'must be https, without user, password, query and fragment')
              .describe('Page where help is asked for; https only. A signed reference is added to it.'),
            expiry: durationSchema
              .refine(isAssistExpiry, 'must be 1m to 30d')
              .default('72h')
              .describe('How long the reference is good for, from when the run came to where it stands; 30d at most.'),
          })
          .optional()
          .describe(
            'A link in receipts of runs whose data was broken. The reference holds neither data nor names, and opens nothing here.',
          ),
      })
      .prefault({})
      .describe('What stands in receipts of runs.'),
    observability: z
      .strictObject({
        promotion: z
          .enum(observabilityModes)
          .optional()
          .describe('Of promotions; STRICT outside local_parity, else DEGRADED, when absent.'),
        rollback: z.enum(observabilityModes).optional().describe('Of rollbacks; as promotions when absent.'),
        job: z.enum(observabilityModes).optional().describe('Of jobs; DEGRADED when absent.'),
        otlp: otlpConfigSchema.optional().describe('Traces go to a collector too. Absent: they stay here.'),
      })
      .prefault({})
      .describe(
        'What becomes of a run whose trace cannot be written. STRICT: it fails. DEGRADED: it goes on, and is marked. PERMISSIVE: it goes on. Each opens an incident.',
      ),
    logging: z
      .strictObject({
        level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info').describe('Least severe line written to the journal.'),
      })
      .prefault({})
      .describe("The daemon's own log."),
    shutdown: z
      .strictObject({ drain: durationSchema.default('20s').describe('How long requests under way may take after SIGTERM.') })
      .prefault({})
      .describe('How the daemon stops.'),
  })
  .check((context) => {
    const { environment, authentication, signers, store, handoff, listeners, log, webhooks, alerts } = context.value;
    for (const issue of laneIssues(environment, webhooks, alerts))
      context.issues.push({ code: 'custom', input: environment, ...issue, path: [...issue.path] });
    if (handoff.attach !== undefined && store.postgres === undefined) {
      context.issues.push({
        code: 'custom',
        input: handoff.attach,
        path: ['handoff', 'attach'],
        message: 'birth tables can only be attached in PostgreSQL: store.postgres names no server',
      });
    }
    if (environment !== 'local_parity' && authentication.mode === 'api-key') {
      context.issues.push({
        code: 'custom',
        input: environment,
        path: ['environment'],
        message: `${environment} with static API keys is unsafe: only local_parity may use them`,
      });
    }
    for (const message of fetchIssues(context.value))
      context.issues.push({ code: 'custom', input: listeners.fetch, path: ['listeners', 'fetch'], message });
    const names = log.witnesses.map(({ vkey }) => vkey.split('+')[0]);
    if (log.quorum > new Set(names).size || new Set(names).size !== names.length)
      context.issues.push({
        code: 'custom',
        input: log.quorum,
        path: ['log', log.quorum > names.length ? 'quorum' : 'witnesses'],
        message: log.quorum > names.length ? `only ${names.length} witnesses are configured` : 'a witness stands there twice',
      });
    const seen = new Set<string>();
    for (const [index, signer] of signers.entries()) {
      if (seen.has(signer.key_id))
        context.issues.push({
          code: 'custom',
          input: signer.key_id,
          path: ['signers', index, 'key_id'],
          message: 'this key_id is there already',
        });
      seen.add(signer.key_id);
    }
  });

export type GovdConfig = z.output<typeof govdConfigSchema>;
