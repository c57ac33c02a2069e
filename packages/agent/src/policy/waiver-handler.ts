import { Problem, type RouteResponse, schemaVersion, type waiverRoutes } from '@govctl/core/api';
import { isWaivable, maxWaiverMs, waivableGates } from '@govctl/core/decision';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { addWaiver, type PackRef, revokeWaiver } from '@govctl/core/policy';
import { query } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import type { PackStore } from '../promotion/facts.ts';
import { activeRules } from './active-rules.ts';
import { type GovernanceDependencies, governanceContext, notGranted } from './governance.ts';
import type { CompiledPacks } from './pack-store.ts';
import { activeSet } from './queries.ts';

export type WaiverDependencies = GovernanceDependencies & { readonly packs: PackStore & CompiledPacks };

type Shown = RouteResponse<(typeof waiverRoutes)['waiver.add']>;
type WaiverRow = Omit<Shown, 'schemaVersion' | 'kind' | 'state'>;

const columns = `waiver_id, rule, subject, tenant_id, dataset_id, layer, snapshot_id, reason, granted_at, granted_by, expires_at, evidence_ref,
  revoked_at, revoked_by, revoke_reason`;
const waiverById = query<{ waiver_id: string }, WaiverRow>('waiver by id', `SELECT ${columns} FROM waiver WHERE waiver_id = :waiver_id`);
const waivers = query<{ tenant_id: string | null; dataset_id: string | null; before: string | null; live_at: string | null }, WaiverRow>(
  'waivers',
  `SELECT ${columns} FROM waiver WHERE (:tenant_id IS NULL OR tenant_id = :tenant_id) AND (:dataset_id IS NULL OR dataset_id = :dataset_id)
     AND (:before IS NULL OR expires_at < :before) AND (:live_at IS NULL OR (revoked_at IS NULL AND expires_at > :live_at))
   ORDER BY expires_at, waiver_id`,
);

/** Grants, lists and takes back waivers: by people only, bounded in time, and never of what holds up integrity, the single writer or scope. */
export function waiverHandlers(deps: WaiverDependencies): Handlers<typeof waiverRoutes> {
  const { database, journal } = deps;
  return {
    async 'waiver.add'({ body, actor }) {
      const { tenant_id, dataset_id, rule } = body;
      if (!mayAffect(actor, 'waiver.add', body))
        throw notGranted(actor, 'waiver.add', `${tenant_id}/${dataset_id}`, `--tenant ${tenant_id} --dataset ${dataset_id}`);
      requirePerson(actor, 'grant a waiver');
      const [[set]] = await database.read([activeSet({})]);
      refuseUnwaivable(rule, await activeRules(deps.packs, set === undefined ? [] : (JSON.parse(set.packs) as PackRef[])));
      const context = governanceContext(deps, actor);
      const expires_at = boundedExpiry(body.expires_at, context.at);
      const waiver = {
        waiver_id: `waiver-${deps.randomHex(8)}`,
        tenant_id,
        dataset_id,
        layer: body.layer ?? null,
        snapshot_id: body.snapshot_id ?? null,
        rule,
        reason: body.reason,
        expires_at,
      };
      const { unit, subject, evidence_ref } = addWaiver(context, waiver);
      const result = await journal.commit(unit);
      if (!result.ok) throw new Problem('conflict', { detail: 'another waiver got the same id at the same time', hint: 'try again' });
      const granted = { granted_at: context.at, granted_by: actor.actor_id, evidence_ref };
      return shown({ ...waiver, subject, ...granted, revoked_at: null, revoked_by: null, revoke_reason: null }, context.at);
    },

    async 'waiver.ls'({ query: asked, actor, now }) {
      const [rows] = await database.read([
        waivers({
          tenant_id: asked.tenant_id ?? null,
          dataset_id: asked.dataset_id ?? null,
          before: asked.expiring_before === undefined ? null : new Date(asked.expiring_before).toISOString(),
          live_at: asked.all === 'true' ? null : now,
        }),
      ]);
      const items = rows.filter((row) => mayAffect(actor, 'waiver.read', row)).map((row) => ({ ...row, state: stateOf(row, now) }));
      return { schemaVersion, kind: 'WaiverList' as const, items };
    },

    async 'waiver.revoke'({ params, body, actor, now }) {
      const [[row]] = await database.read([waiverById(params)]);
      if (row === undefined || !mayAffect(actor, 'waiver.revoke', row))
        throw new Problem('not-found', { detail: `no waiver ${params.waiver_id}`, hint: 'govctl waiver ls --all' });
      requirePerson(actor, 'revoke a waiver');
      // Already taken back is what was asked for; nothing is written twice.
      if (row.revoked_at !== null) return shown(row, now);
      const context = governanceContext(deps, actor);
      const { waiver_id, tenant_id, dataset_id, layer, snapshot_id, rule, reason, expires_at, evidence_ref } = row;
      const waiver = { waiver_id, tenant_id, dataset_id, layer, snapshot_id, rule, reason, expires_at, evidence_ref };
      const result = await journal.commit(revokeWaiver(context, waiver, body.reason));
      if (!result.ok)
        throw new Problem('conflict', {
          detail: `waiver ${row.waiver_id} was revoked by somebody else just now`,
          hint: 'govctl waiver ls --all',
        });
      return shown({ ...row, revoked_at: context.at, revoked_by: actor.actor_id, revoke_reason: body.reason }, context.at);
    },
  };
}

function stateOf(row: WaiverRow, now: string): Shown['state'] {
  if (row.revoked_at !== null) return 'revoked';
  return row.expires_at <= now ? 'expired' : 'active';
}

function shown(row: WaiverRow, now: string): Shown {
  return { schemaVersion, kind: 'Waiver', ...row, state: stateOf(row, now) };
}

function requirePerson(actor: Actor, act: string): void {
  if (actor.source_type === 'HUMAN') return;
  throw new Problem('forbidden', {
    detail: `${actor.actor_id} is a service; only a person may ${act}`,
    hint: 'use the API key of a person, with the grants waiver.add and waiver.revoke',
  });
}

function refuseUnwaivable(rule: string, rules: ReadonlyMap<string, { readonly waivable: boolean }>): void {
  if (!isWaivable(rule) || rules.get(rule)?.waivable === false) {
    throw new Problem('unprocessable', {
      detail: `${rule} cannot be waived: it holds up integrity, the single writer or scope`,
      hint: `only ${waivableGates.join(', ')} and rules of policy packs (rule:PACK/RULE) can: mend what it names instead`,
      reasons: [{ path: 'waiver-not-allowed', message: rule }],
    });
  }
  if (!rule.startsWith('rule:') || rules.has(rule)) return;
  throw new Problem('unprocessable', {
    detail: `no active policy pack has ${rule}`,
    hint: 'name it rule:PACK/RULE; the ids: govctl policy show NAME --source',
    reasons: [{ path: 'waiver-unknown-rule', message: rule }],
  });
}

function boundedExpiry(asked: string, now: string): string {
  const expires_at = new Date(asked).toISOString();
  const latest = new Date(Date.parse(now) + maxWaiverMs).toISOString();
  if (expires_at > now && expires_at <= latest) return expires_at;
  throw new Problem('unprocessable', {
    detail: expires_at <= now ? `expires_at ${expires_at} is in the past` : `a waiver lasts 90 days at most, and ${expires_at} is later`,
    hint: `a time until ${latest}: govctl waiver add RULE --dataset D --for 7d --reason TEXT`,
    reasons: [{ path: 'waiver-expiry', message: expires_at }],
  });
}
