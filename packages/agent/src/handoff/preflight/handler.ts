import { type preflightRoutes, schemaVersion } from '@govctl/core/api';
import type { PreflightAction, PreflightFacts } from '@govctl/core/decision';
import { candidateStatus, type HandoffContext, judgedPreflight, recordPreflight } from '@govctl/core/handoff';
import type { Database } from '../../db/index.ts';
import type { Handlers } from '../../http/index.ts';
import type { Journal } from '../../journal/index.ts';
import { lastPoll, readCoverage } from '../coverage.ts';
import { candidateByKey, type HandoffQueries, openQuarantine, ospaCount } from '../queries.ts';
import { objectLocks, quarantineOfObject } from './queries.ts';

export type PreflightDependencies = {
  /** A read port with births attached. */
  readonly database: Database;
  readonly queries: HandoffQueries;
  readonly journal: Journal;
  readonly blocker: () => string | null;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
};

type Asked = { readonly action: PreflightAction; readonly object_key: string };

/** The guard of clean-up and mutation. It reads births and governance, and writes nothing but the record of its answer. */
export function preflightHandlers(deps: PreflightDependencies): Handlers<typeof preflightRoutes> {
  const { database, queries, journal } = deps;

  /** From one snapshot; where births cannot be read, what depends on them is unknown, and the rest still answers. */
  const factsOf = async ({ action, object_key }: Asked, now: string): Promise<PreflightFacts> => {
    const own = [
      candidateByKey({ object_key }),
      ospaCount({ object_key }),
      quarantineOfObject({ object_key }),
      objectLocks({ object_key, now }),
    ] as const;
    const births = [queries.cursorStatus({}), queries.missingSinceAudit({}), openQuarantine({})] as const;
    try {
      const [candidates, ospa, quarantined, locks, cursors, missing, quarantine] = await database.read([...own, ...births]);
      const { evidence, coverage } = readCoverage({ cursors, missing, quarantine }, now, deps.blocker());
      const { lag_rows } = evidence;
      const told = { state: coverage.state, reason: coverage.reason, lag_rows, last_poll_at: lastPoll(evidence) };
      return { as_of: now, action, object_key, coverage: told, ...known(candidates, ospa, quarantined), locks };
    } catch {
      const rest = await database.read(own).catch(() => null);
      if (rest === null) {
        return { as_of: now, action, object_key, coverage: null, candidate: null, quarantined_rows: null, ospa_count: null, locks: null };
      }
      const [candidates, ospa, quarantined, locks] = rest;
      return { as_of: now, action, object_key, coverage: null, ...known(candidates, ospa, quarantined), locks };
    }
  };

  return {
    'preflight.evaluate': async ({ body, now }) => {
      const facts = await factsOf(body, now);
      return { schemaVersion, kind: 'Preflight', ...judgedPreflight(facts), dry_run: true, facts };
    },

    'preflight.run': async ({ body, actor, now }) => {
      const facts = await factsOf(body, now);
      const context: HandoffContext = { actor, ...deps.deployment, at: now, salt: deps.randomHex(16) };
      const result = await journal.commit(recordPreflight(context, facts));
      if (!result.ok) throw new Error('a unit without guards cannot lose one');
      const [record] = result.committed.records;
      return {
        schemaVersion,
        kind: 'Preflight',
        ...judgedPreflight(facts),
        dry_run: false,
        ...(record === undefined ? {} : { decision_ref: record.ref, leaf_index: record.leaf_index }),
        ...(result.committed.tree_size === undefined ? {} : { tree_size: result.committed.tree_size }),
      };
    },
  };
}

type Candidate = NonNullable<ReturnType<typeof candidateByKey>['row']>;

function known(
  candidates: readonly Candidate[],
  ospa: readonly { ospa_count: number }[],
  quarantined: readonly { quarantined_rows: number }[],
) {
  const [row] = candidates;
  const candidate = row === undefined ? null : { status: candidateStatus(row), object_type: row.object_type, born_at: row.born_at };
  return { candidate, ospa_count: ospa[0]?.ospa_count ?? null, quarantined_rows: quarantined[0]?.quarantined_rows ?? null };
}
