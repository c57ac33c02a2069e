import { type dispositionRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { announceDisposition, dispositionDetail, eraseDisposed, maxDisposed, type RetentionRule } from '@govctl/core/evidence';
import type { Actor } from '@govctl/core/identity';
import type { Logger } from 'pino';
import type { Database } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import type { Journal } from '../journal/index.ts';
import { type Candidate, disposableRecords } from './disposition-candidates.ts';
import {
  type DispositionRow,
  dispositionById,
  dispositions,
  newestDisposition,
  nextErasable,
  ownersOfDisposition,
  unfinishedDispositions,
} from './disposition-queries.ts';
import { mayAccess } from './grant.ts';

export type DispositionDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly logger: Logger;
  /** As they are configured now. */
  readonly rules: () => readonly RetentionRule[];
};

/** Payloads erased by one commit: other writers wait no longer than for a few of theirs. */
const slice = 250;
const rebuilds = 3;

/**
 * Erasing of payloads under retention rules. What will go is on record, with the digest of its list, before the first byte of it goes;
 * the erasing itself is small commits that may be repeated, by anybody, after any interruption.
 */
export function dispositionHandlers(deps: DispositionDependencies): Handlers<typeof dispositionRoutes> {
  const { database, journal, logger } = deps;

  const rulesNow = () => {
    const rules = deps.rules();
    if (rules.length > 0) return rules;
    throw new Problem('unprocessable', {
      detail: 'no retention rule is configured, so no payload may be erased',
      hint: 'add retention.rules to govd.yaml, then: govctl config validate govd.yaml',
    });
  };

  /** The first rule in the order of the configuration that something may be erased under, with what. */
  const firstList = async (actor: Actor, now: string) => {
    const rules = rulesNow();
    const lists = new Map<string, Candidate['record'][]>();
    for await (const { record, rule, kept } of disposableRecords(database, rules, now)) {
      if (kept !== null || !mayAccess(actor, 'evidence.dispose', record)) continue;
      const list = lists.get(rule.name) ?? [];
      if (list.length === 0) lists.set(rule.name, list);
      if (list.length < maxDisposed) list.push(record);
      if (rule.name === rules[0]?.name && list.length === maxDisposed) break;
    }
    const rule = rules.find(({ name }) => lists.has(name));
    return rule === undefined ? undefined : { rule, records: lists.get(rule.name) ?? [] };
  };

  const find = async (disposition_id: string): Promise<DispositionRow> => {
    const [[row]] = await database.read([dispositionById({ disposition_id })]);
    if (row !== undefined) return row;
    throw new Problem('not-found', { detail: `no disposition ${disposition_id}`, hint: 'govctl evidence disposition ls' });
  };

  return {
    async 'disposition.plan'({ actor, now }) {
      const rules = rulesNow();
      const found = new Map(rules.map(({ name }) => [name, { records: [] as Candidate['record'][], held: 0, in_use: 0 }]));
      for await (const { record, rule, kept } of disposableRecords(database, rules, now)) {
        const of = found.get(rule.name);
        if (of === undefined || !mayAccess(actor, 'evidence.read', record)) continue;
        if (kept === null) of.records.push(record);
        else of[kept] += 1;
      }
      const [unfinished] = await database.read([unfinishedDispositions({ limit: 100 })]);
      return {
        schemaVersion,
        kind: 'DispositionPlan' as const,
        as_of: now,
        items: rules.map((rule) => {
          const { records = [], held = 0, in_use = 0 } = found.get(rule.name) ?? {};
          const { bytes, by_kind, oldest, newest } = dispositionDetail(rule, records);
          return { rule: rule.name, keep_for: rule.keep_for, records: records.length, bytes, by_kind, oldest, newest, held, in_use };
        }),
        unfinished: unfinished.map(({ disposition_id }) => disposition_id),
      };
    },

    async 'disposition.ls'({ query }) {
      const [rows] = await database.read([dispositions({ limit: query.limit })]);
      return { schemaVersion, kind: 'DispositionList' as const, items: rows.map(shown) };
    },

    async 'disposition.announce'({ body, actor, now, request_id }) {
      const none = { schemaVersion, kind: 'DispositionList' as const, items: [] };
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        // What was announced is erased first: a list that nobody carries out is a promise that nobody keeps.
        const [begun, [newest]] = await database.read([unfinishedDispositions({ limit: 1 }), newestDisposition({})]);
        const list = begun.length > 0 ? undefined : await firstList(actor, now);
        if (begun.length > 0) return { ...none, items: begun.map(shown) };
        if (list === undefined) return none;
        const disposition_id = `disposition-${deps.randomHex(8)}`;
        const context = { actor, ...deps.deployment, at: now, salt: deps.randomHex(16) };
        const unit = announceDisposition(context, {
          disposition_id,
          ...list,
          reason: body.reason,
          seen: newest?.number ?? 0,
          ...ownerOf(list.records),
        });
        const result = await journal.commit(unit);
        if (!result.ok) continue;
        logger.info({ request_id, actor: actor.actor_id, disposition_id, records: list.records.length }, 'disposition announced');
        return { ...none, items: [shown(await find(disposition_id))] };
      }
      throw new Problem('conflict', { detail: 'others announce dispositions at the same time: nothing was announced', hint: 'try again' });
    },

    async 'disposition.erase'({ params: { disposition_id }, actor }) {
      await find(disposition_id);
      const [owners, next] = await database.read([ownersOfDisposition({ disposition_id }), nextErasable({ disposition_id, limit: slice })]);
      const foreign = owners.find((owner) => !mayAccess(actor, 'evidence.dispose', owner));
      if (foreign !== undefined) {
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} has no grant for evidence.dispose on ${foreign.tenant_id}/${foreign.dataset_id ?? '*'}`,
          hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action evidence.dispose`,
        });
      }
      const [first, last] = [next[0], next.at(-1)];
      if (first !== undefined && last !== undefined)
        await journal.commit(eraseDisposed({ disposition_id, after: first.leaf_index - 1, upto: last.leaf_index }));
      return { schemaVersion, kind: 'DispositionList' as const, items: [shown(await find(disposition_id))] };
    },
  };
}

function shown({ number: _number, remaining, ...row }: DispositionRow) {
  return { ...row, erased: row.records - remaining, finished: remaining === row.held };
}

/** Whose log it is: the dataset, or the tenant, where all of them are of one. */
function ownerOf(records: readonly { readonly tenant_id: string; readonly dataset_id: string | null }[]) {
  const tenants = new Set(records.map(({ tenant_id }) => tenant_id));
  const datasets = new Set(records.map(({ dataset_id }) => dataset_id));
  const [tenant_id = 'default'] = tenants;
  const [dataset_id = null] = datasets;
  if (tenants.size > 1) return { tenant_id: 'default', dataset_id: null };
  return { tenant_id, dataset_id: datasets.size > 1 ? null : dataset_id };
}
