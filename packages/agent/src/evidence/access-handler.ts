import { type evidenceRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { type CapabilityKey, type CapabilityRefusal, checkCapability, mintCapability, type RecordDraft } from '@govctl/core/evidence';
import type { Actor } from '@govctl/core/identity';
import type { Logger } from 'pino';
import type { Database } from '../db/index.ts';
import { type Handlers, Reply } from '../http/index.ts';
import type { Authority } from '../identity/authority.ts';
import type { Journal } from '../journal/index.ts';
import type { DenialLimit } from './denial-limit.ts';
import { type CheckpointOf, evidenceBytes } from './evidence-bytes.ts';
import { mayAccess } from './grant.ts';
import { recordWithCover } from './queries.ts';
import { askerOf, type Owner, recordDenial, resolutionDraft } from './resolution.ts';

export type AccessDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly checkpointOf: CheckpointOf;
  /** What an actor may do now, whatever it could do when it asked. */
  readonly authority: Authority;
  readonly capability: {
    readonly signer: CapabilityKey;
    /** Two while they rotate. */
    readonly verifiers: readonly CapabilityKey[];
    readonly issuer: string;
    /** Where the URLs point: scheme and host, no slash at the end. */
    readonly public_url: string;
    /** Seconds. */
    readonly ttl: () => number;
  };
  readonly denials: DenialLimit;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
  readonly logger: Logger;
};

/** Long after no verifier accepts it, also when the clock is set back a little. */
const forgetAfterMs = 3_600_000;

const refusalDetail: Readonly<Record<CapabilityRefusal, string>> = {
  malformed: 'this is not a capability',
  untrusted: 'no key of this deployment signed the capability',
  expired: 'the capability has expired',
  'not-yet-valid': 'the capability is not valid yet',
  'too-long-lived': 'the capability lives longer than any may',
  'wrong-audience': 'the capability is for another deployment',
  'wrong-claims': 'the capability does not say what one must',
};

/** Access to one record: first recorded and committed, then a URL that opens it once. */
export function accessHandlers(deps: AccessDependencies): Pick<Handlers<typeof evidenceRoutes>, 'evidence.resolve' | 'evidence.fetch'> {
  const { database, journal, capability, logger } = deps;
  const audience = `${capability.public_url}/${deps.deployment.environment}`;

  const recordOf = async (ref: string) => (await database.read([recordWithCover({ ref })]))[0][0];

  const commit = async (draft: RecordDraft) => {
    const result = await journal.commit({ label: 'evidence.resolve', changes: [], records: [draft], events: [] });
    if (!result.ok) throw new Error(`a unit without a guard lost ${result.guard}`);
  };

  return {
    async 'evidence.resolve'({ params: { ref }, body, actor, request_id, now }) {
      const record = await recordOf(ref);
      if (record === undefined) throw new Problem('not-found', { detail: `the log has no record ${ref}`, hint: 'govctl evidence ls' });
      const refused = mayAccess(actor, 'evidence.read', record)
        ? undefined
        : `no grant for evidence.read on ${record.tenant_id}/${record.dataset_id ?? '*'}`;
      if (refused !== undefined) {
        await recordDenial(deps, actor, ref, record, refused, request_id, now);
        throw forbidden(actor, record);
      }
      const { bytes, digest } = await evidenceBytes(database, record, deps.checkpointOf);
      const ttl = body.ttl_seconds ?? capability.ttl();
      const jti = deps.randomHex(16);
      const issued = new Date(now);
      const exp = Math.floor(issued.getTime() / 1000) + ttl;
      const expires_at = new Date(exp * 1000).toISOString();
      const outcome = { outcome: 'allow', reason: 'granted', digest, length: bytes.byteLength, jti, expires_at } as const;
      const resolution = resolutionDraft(deps, actor, ref, record, outcome, request_id, now);
      // Committed before the capability exists: nobody can read what is not on record as read.
      await commit(resolution);
      const { token, claims } = await mintCapability(
        {
          iss: capability.issuer,
          aud: audience,
          sub: actor.actor_id,
          ref,
          dig: digest,
          len: bytes.byteLength,
          jti,
          rid: resolution.ref,
          ttl,
        },
        capability.signer,
        issued,
      );
      logger.info({ request_id, actor: actor.actor_id, ref, jti, resolution_ref: resolution.ref, outcome: 'allow' }, 'evidence resolved');
      return {
        schemaVersion,
        kind: 'RefResolution' as const,
        ref,
        url: `${capability.public_url}/v1/evidence/fetch?cap=${token}`,
        dig: digest,
        len: bytes.byteLength,
        exp: claims.exp,
        expires_at,
        resolution_ref: resolution.ref,
      };
    },

    async 'evidence.fetch'({ query: { cap }, request_id, now }) {
      const checked = await checkCapability(cap, {
        keys: capability.verifiers,
        issuer: capability.issuer,
        audience,
        now: new Date(now),
      });
      if (!checked.ok) {
        logger.warn({ request_id, outcome: checked.reason }, 'capability refused');
        throw capabilityProblem(checked.reason);
      }
      const { claims } = checked;
      const told = { request_id, actor: claims.sub, ref: claims.ref, digest: claims.dig, jti: claims.jti };
      const refuse = (outcome: string, problem: Problem): never => {
        logger.warn({ ...told, outcome }, 'capability refused');
        throw problem;
      };
      const [record, resolution] = await Promise.all([recordOf(claims.ref), recordOf(claims.rid)]);
      const asker = resolution === undefined ? undefined : askerOf(resolution, claims);
      if (record === undefined || asker === undefined)
        return refuse('unrecorded', new Problem('forbidden', { detail: 'this log has no resolution for the capability' }));
      // Authority may have gone since the URL was made.
      const standing = await deps.authority.current(asker, now);
      if (!mayAccess(standing, 'evidence.read', record)) return refuse('gate-closed', forbidden(asker, record));
      const { bytes, digest } = await evidenceBytes(database, record, deps.checkpointOf);
      if (digest !== claims.dig || bytes.byteLength !== claims.len) {
        return refuse(
          'digest-differs',
          new Problem('digest-mismatch', {
            detail: `what is stored as ${claims.ref} is not what the capability was made for`,
            hint: 'govctl log verify; then ask for a new URL',
          }),
        );
      }
      const used = await journal.commit({
        label: 'evidence.fetch',
        changes: [
          { write: 'capability.forget', values: { before: new Date(Date.parse(now) - forgetAfterMs).toISOString() } },
          {
            write: 'capability.use',
            values: {
              jti: claims.jti,
              ref: claims.ref,
              actor_id: claims.sub,
              used_at: now,
              expires_at: new Date(claims.exp * 1000).toISOString(),
            },
          },
        ],
        records: [],
        events: [],
      });
      if (!used.ok) {
        return refuse(
          'replayed',
          new Problem('gone', { detail: 'the capability was used before; each works once', hint: `govctl evidence get ${claims.ref}` }),
        );
      }
      logger.info({ ...told, bytes: bytes.byteLength, outcome: 'served' }, 'evidence fetched');
      return new Reply(200, bytes, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': String(bytes.byteLength),
        'cache-control': 'private, no-store',
        'content-disposition': `attachment; filename="evidence-${claims.ref.slice('sha256:'.length, 'sha256:'.length + 12)}.json"`,
        'referrer-policy': 'no-referrer',
        etag: `"${digest}"`,
        'repr-digest': `sha-256=:${Buffer.from(digest.slice('sha256:'.length), 'hex').toString('base64')}:`,
      });
    },
  };
}

function capabilityProblem(reason: CapabilityRefusal): Problem {
  const detail = refusalDetail[reason];
  if (reason === 'malformed') return new Problem('invalid-request', { detail });
  const hint = 'get a new one: govctl evidence get REF';
  return new Problem(reason === 'expired' ? 'gone' : 'forbidden', { detail, hint });
}

function forbidden(actor: Actor, { tenant_id, dataset_id }: Owner): Problem {
  const where = dataset_id === null ? `--tenant ${tenant_id}` : `--tenant ${tenant_id} --dataset ${dataset_id}`;
  return new Problem('forbidden', {
    detail: `${actor.actor_id} has no grant for evidence.read on ${tenant_id}/${dataset_id ?? '*'}`,
    hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action evidence.read ${where}`,
  });
}
