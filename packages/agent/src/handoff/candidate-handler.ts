import { type handoffRoutes, schemaVersion } from '@govctl/core/api';
import { type CandidateRow, candidateStatus, recordActivation } from '@govctl/core/handoff';
import type { Handlers } from '../http/index.ts';
import { activationDecision, judgeActivation, requireCandidate } from './activation.ts';
import type { HandoffDependencies } from './handler-port.ts';
import { candidateByKey, candidateEvents, candidatePage } from './queries.ts';
import { contextOf, moving, rebuilds } from './request.ts';

type Routes = Pick<typeof handoffRoutes, 'candidate.list' | 'candidate.get' | 'candidate.evaluate' | 'candidate.activate'>;

/** Objects that governance knows about: shown, and activated where the kernel allows it. */
export function candidateHandlers(deps: HandoffDependencies): Handlers<Routes> {
  const { database, journal } = deps;
  return {
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
      const { facts, decision } = await judgeActivation(deps, body.object_key, now);
      return activationDecision(decision, { dry_run: true, already: candidateStatus(facts.candidate) === 'activated' });
    },

    'candidate.activate': async ({ body, actor, now }) => {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const { facts, decision, low_water_sum } = await judgeActivation(deps, body.object_key, now);
        if (candidateStatus(facts.candidate) === 'activated') {
          const done = activationDecision(decision, { dry_run: false, already: true });
          return facts.candidate.decision_ref === null ? done : { ...done, decision_ref: facts.candidate.decision_ref };
        }
        const result = await journal.commit(recordActivation(contextOf(deps, actor, now), facts, decision, low_water_sum));
        if (!result.ok) continue;
        const [record] = result.committed.records;
        return {
          ...activationDecision(decision, { dry_run: false, already: false }),
          ...(record === undefined ? {} : { decision_ref: record.ref, leaf_index: record.leaf_index }),
          ...(result.committed.tree_size === undefined ? {} : { tree_size: result.committed.tree_size }),
        };
      }
      throw moving(`candidate ${body.object_key}`);
    },
  };
}

function shown(row: CandidateRow) {
  const { state: _state, changelog_id: _id, dirty, ...rest } = row;
  return { ...rest, status: candidateStatus(row), dirty: dirty === 1 };
}
