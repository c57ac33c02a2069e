import { type handoffRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { canonicalJson, digestOf } from '@govctl/core/evidence';
import {
  type ActivationDecision,
  type ActivationFacts,
  activateEventType,
  authorizeBuilds,
  type CandidateRow,
  candidateStatus,
  coverageFix,
  decideActivation,
  type HandoffContext,
  lagSeconds,
  recordActivation,
} from '@govctl/core/handoff';
import type { Actor } from '@govctl/core/identity';
import type { Database } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Births } from './birth-admission.ts';
import { type CoverageReading, lastPoll, readCoverage } from './coverage.ts';
import type { ChangelogPruner } from './prune.ts';
import {
  candidateByKey,
  candidateEvents,
  candidatePage,
  eventTypes,
  type HandoffQueries,
  openQuarantine,
  ospaCount,
  ospaList,
} from './queries.ts';

export type HandoffDependencies = {
  /** A read port with births attached. */
  readonly database: Database;
  readonly queries: HandoffQueries;
  readonly journal: Journal;
  readonly births: Births;
  /** Null where the birth tables belong to other software. */
  readonly pruner: ChangelogPruner | null;
  /** Births were written, or an event type was activated: the tail may look at once. */
  readonly wake: () => void;
  readonly blocker: () => string | null;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
};

/** How often a unit is rebuilt from fresh rows before the caller is told that somebody else keeps moving them. */
const rebuilds = 3;
const objectBorn = 'handoff.object_born';

/** Births, the handoff's state, candidates and build authorizations. */
export function handoffHandlers(deps: HandoffDependencies): Handlers<Omit<typeof handoffRoutes, 'handoff.resume'>> {
  const { database, queries, journal } = deps;

  const contextOf = (actor: Actor, at: string): HandoffContext => ({ actor, ...deps.deployment, at, salt: deps.randomHex(16) });

  /** Births are in a file of their own, which may be broken while the rest is not. */
  const withBirths = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (cause) {
      throw new Problem('unavailable', {
        detail: `births cannot be read, so coverage is unknown: ${(cause as Error).message}`,
        hint: 'govctl doctor',
        cause,
      });
    }
  };

  const requireCandidate = (row: CandidateRow | undefined, objectKey: string): CandidateRow => {
    if (row !== undefined) return row;
    throw new Problem('not-found', { detail: `no candidate ${objectKey}: handoff has not seen it born`, hint: 'govctl candidate ls' });
  };

  /** Facts of an activation and the kernel's decision, from one snapshot. */
  const judge = async (objectKey: string, now: string) => {
    const [candidates, ospa, types, events, cursors, missing, quarantine] = await withBirths(() =>
      database.read([
        candidateByKey({ object_key: objectKey }),
        ospaCount({ object_key: objectKey }),
        eventTypes({}),
        candidateEvents({ object_key: objectKey }),
        queries.cursorStatus({}),
        queries.missingSinceAudit({}),
        openQuarantine({}),
      ]),
    );
    const candidate = requireCandidate(candidates[0], objectKey);
    const { evidence, coverage }: CoverageReading = readCoverage({ cursors, missing, quarantine }, now, deps.blocker());
    const facts: ActivationFacts = {
      as_of: now,
      object_key: objectKey,
      candidate,
      ospa_count: ospa[0]?.ospa_count ?? 0,
      coverage: { state: coverage.state, reason: coverage.reason, lag_rows: evidence.lag_rows, last_poll_at: lastPoll(evidence) },
      event_type: {
        event_type: objectBorn,
        active: types.some((type) => type.event_type === objectBorn && type.active === 1),
        pending_of_object: events.filter((event) => event.delivery === 'pending').length,
      },
    };
    return { facts, decision: decideActivation(facts), low_water_sum: cursors.reduce((sum, cursor) => sum + cursor.position, 0) };
  };

  const decisionDocument = (decision: ActivationDecision, more: { dry_run: boolean; already: boolean }) => ({
    schemaVersion,
    kind: 'CandidateDecision' as const,
    ...decision,
    decision_digest: digestOf(canonicalJson(decision)),
    ...more,
  });

  return {
    'birth.add': async ({ body, now }) => {
      const lines = body.lines.map((line) =>
        line.permit_id === undefined && body.permit_id !== undefined ? { ...line, permit_id: body.permit_id } : line,
      );
      const receipt = await deps.births.add(lines, now);
      deps.wake();
      return { schemaVersion, kind: 'BirthReceipt', ...receipt, permit_id: body.permit_id ?? null };
    },

    'handoff.status': async ({ now }) => {
      const [cursors, missing, quarantine, types] = await withBirths(() =>
        database.read([queries.cursorStatus({}), queries.missingSinceAudit({}), openQuarantine({}), eventTypes({})]),
      );
      const { evidence, coverage } = readCoverage({ cursors, missing, quarantine }, now, deps.blocker());
      // A writer that hangs keeps nothing from being delivered; but whoever looks should see who it is.
      const blocker = evidence.blocker ?? cursors.find((cursor) => cursor.blocker != null)?.blocker ?? null;
      const fix = coverageFix(evidence, coverage);
      return {
        schemaVersion,
        kind: 'HandoffStatus',
        coverage: coverage.state,
        reason: coverage.reason,
        lag_rows: evidence.lag_rows,
        lag_seconds: lagSeconds(evidence),
        unannounced_rows: evidence.unannounced_rows,
        last_poll_at: lastPoll(evidence),
        cursor: Object.fromEntries(
          evidence.cursors.map(({ source, shard, ...cursor }) => [shard === 0 ? source : `${source}/${shard}`, cursor]),
        ),
        pending: { by_type: Object.fromEntries(types.map((type) => [type.event_type, type.pending])) },
        quarantine: evidence.quarantine,
        ...(blocker === null ? {} : { blocker }),
        paused: evidence.pause ?? null,
        ...(fix === null ? {} : { fix }),
      };
    },

    'handoff.lag': async () => {
      const [[lag]] = await withBirths(() => database.read([queries.handoffLag({})]));
      return { schemaVersion, kind: 'HandoffLag', births: 0, lag_rows: 0, unannounced_rows: 0, ...lag };
    },

    'handoff.types': async () => {
      const [types] = await database.read([eventTypes({})]);
      return { schemaVersion, kind: 'EventTypeList', items: types.map((type) => ({ ...type, active: type.active === 1 })) };
    },

    'handoff.type-activate': async ({ params, body, actor, now }) => {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const [types] = await database.read([eventTypes({})]);
        const type = types.find((row) => row.event_type === params.event_type);
        if (type === undefined) {
          throw new Problem('not-found', { detail: `no event type ${params.event_type}`, hint: 'govctl handoff type ls' });
        }
        const answer = { schemaVersion, kind: 'EventType', event_type: type.event_type, active: true, pending: type.pending } as const;
        if (type.active === 1) return { ...answer, activated: false, evidence_ref: null };
        const unit = activateEventType(contextOf(actor, now), {
          event_type: type.event_type,
          pending: type.pending,
          reason: body.reason ?? null,
        });
        const result = await journal.commit(unit);
        if (!result.ok) continue;
        deps.wake();
        return { ...answer, activated: true, evidence_ref: result.committed.records[0]?.ref ?? null };
      }
      throw moving(`event type ${params.event_type}`);
    },

    'candidate.list': async ({ query }) => {
      const after = query.cursor === undefined ? '' : Buffer.from(query.cursor, 'base64url').toString('utf8');
      const [rows] = await database.read([
        candidatePage({ after, status: query.status ?? null, object_type: query.object_type ?? null, limit: query.limit + 1 }),
      ]);
      const items = rows.slice(0, query.limit);
      const last = rows.length > query.limit ? items.at(-1) : undefined;
      return {
        schemaVersion,
        kind: 'CandidateList',
        items: items.map(shown),
        next_cursor: last === undefined ? null : Buffer.from(last.object_key).toString('base64url'),
      };
    },

    'candidate.get': async ({ query }) => {
      const { object_key } = query;
      const [rows, events] = await database.read([candidateByKey({ object_key }), candidateEvents({ object_key })]);
      return { schemaVersion, kind: 'Candidate', ...shown(requireCandidate(rows[0], object_key)), events };
    },

    'candidate.evaluate': async ({ body, now }) => {
      const { facts, decision } = await judge(body.object_key, now);
      return decisionDocument(decision, { dry_run: true, already: candidateStatus(facts.candidate) === 'activated' });
    },

    'candidate.activate': async ({ body, actor, now }) => {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const { facts, decision, low_water_sum } = await judge(body.object_key, now);
        if (candidateStatus(facts.candidate) === 'activated') {
          const done = decisionDocument(decision, { dry_run: false, already: true });
          return facts.candidate.decision_ref === null ? done : { ...done, decision_ref: facts.candidate.decision_ref };
        }
        const result = await journal.commit(recordActivation(contextOf(actor, now), facts, decision, low_water_sum));
        if (!result.ok) continue;
        const [record] = result.committed.records;
        return {
          ...decisionDocument(decision, { dry_run: false, already: false }),
          ...(record === undefined ? {} : { decision_ref: record.ref, leaf_index: record.leaf_index }),
          ...(result.committed.tree_size === undefined ? {} : { tree_size: result.committed.tree_size }),
        };
      }
      throw moving(`candidate ${body.object_key}`);
    },

    'ospa.list': async () => {
      const [items] = await database.read([ospaList({})]);
      return { schemaVersion, kind: 'BuildAuthorizationList', items };
    },

    'ospa.authorize': async ({ body, actor, now }) => {
      if (actor.source_type !== 'HUMAN') {
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} is a service; only a person may authorise builds`,
          hint: 'use the API key of a person: govctl apikey add --actor HUMAN::<id> --action ospa.authorize',
        });
      }
      const authorization_id = body.authorization_id ?? `ospa-${deps.randomHex(8)}`;
      const { scope, reason } = body;
      const result = await journal.commit(authorizeBuilds(contextOf(actor, now), { authorization_id, scope, reason }));
      const ref = result.ok ? result.committed.records[0]?.ref : undefined;
      if (ref === undefined) {
        throw new Problem('conflict', { detail: `authorization ${authorization_id} exists`, hint: 'leave --id out to get a new one' });
      }
      return {
        schemaVersion,
        kind: 'BuildAuthorization',
        authorization_id,
        scope,
        reason,
        authorized_by: actor.actor_id,
        authorized_at: now,
        evidence_ref: ref,
      };
    },
  };
}

function shown(row: CandidateRow) {
  const { state: _state, changelog_id: _id, dirty, ...rest } = row;
  return { ...rest, status: candidateStatus(row), dirty: dirty === 1 };
}

function moving(what: string): Problem {
  return new Problem('conflict', { detail: `${what} keeps changing under this request: nothing was done`, hint: 'try again' });
}
