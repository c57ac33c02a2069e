import { type handoffOperationRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { advancePrune, type HandoffContext, normaliseBornAt, startPrune } from '@govctl/core/handoff';
import type { Actor } from '@govctl/core/identity';
import type { Handlers } from '../http/index.ts';
import type { HandoffDependencies } from './handler-port.ts';
import type { ChangelogPruner } from './prune.ts';
import { type PruneRow, pruneBound, pruneById, quarantinedIds } from './quarantine-queries.ts';

type Routes = Pick<typeof handoffOperationRoutes, 'handoff.prune' | 'handoff.prune-slice'>;

const rebuilds = 3;

/** The changelog that is ours grows for ever unless somebody prunes it: on record first, then in slices. */
export function pruneHandlers(deps: HandoffDependencies): Handlers<Routes> {
  const { database, journal } = deps;
  const contextOf = (actor: Actor, at: string): HandoffContext => ({ actor, ...deps.deployment, at, salt: deps.randomHex(16) });

  const pruner = (): ChangelogPruner => {
    if (deps.pruner !== null) return deps.pruner;
    throw new Problem('unprocessable', {
      detail: 'the birth tables of this deployment belong to other software: govd only reads them, and never removes a row',
      hint: 'prune them there, below the low water of govctl handoff status: rows that were read are not needed any more',
    });
  };

  /** Rows that are read, settled and proved; refused while it is not known what the ids mean. */
  const boundNow = async () => {
    const [bounds] = await database.read([pruneBound({})]);
    const alarmed = bounds.find((row) => row.alarm !== null);
    if (alarmed !== undefined)
      throw new Problem('conflict', {
        detail: 'the changelog is alarmed, so it is not known which of its rows were read: nothing is removed',
        hint: 'govctl handoff status',
      });
    const [kept] = await database.read([quarantinedIds({ upto: bounds[0]?.bound ?? 0 })]);
    return { bound: bounds[0]?.bound ?? 0, pruned_upto: bounds[0]?.pruned_upto ?? 0, kept: kept.map((row) => row.id) };
  };

  return {
    'handoff.prune': async ({ body, actor, now }) => {
      const prune = pruner();
      const before = body.before === undefined ? null : normaliseBornAt(body.before);
      if (body.before !== undefined && before === null)
        throw new Problem('invalid-request', { detail: `${body.before} is no moment in UTC, to the microsecond at most` });
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const { bound, kept } = await boundNow();
        const survey = await prune.survey({ bound, before, keep: body.keep ?? null, kept });
        const answer = {
          schemaVersion,
          kind: 'HandoffPrune',
          upto: survey.upto,
          before,
          planned_rows: survey.rows,
          removed_rows: 0,
          quarantined: kept.filter((id) => id <= survey.upto).length,
          oldest: survey.oldest,
          newest: survey.newest,
        } as const;
        if (body.dry_run || survey.rows === 0)
          return { ...answer, dry_run: body.dry_run, prune_id: null, finished: survey.rows === 0, evidence_ref: null };
        const prune_id = `prune-${deps.randomHex(8)}`;
        const plan = { prune_id, upto: survey.upto, before_at: before, planned_rows: survey.rows, walked_upto: (survey.first_id ?? 1) - 1 };
        const result = await journal.commit(startPrune(contextOf(actor, now), plan, body.reason));
        if (!result.ok) continue;
        return { ...answer, dry_run: false, prune_id, finished: false, evidence_ref: result.committed.records[0]?.ref ?? null };
      }
      throw new Problem('conflict', { detail: 'the changelog keeps moving under this request: nothing was removed', hint: 'try again' });
    },

    'handoff.prune-slice': async ({ params, now }) => {
      const prune = pruner();
      const [[row]] = await database.read([pruneById(params)]);
      if (row === undefined)
        throw new Problem('not-found', { detail: `no prune ${params.prune_id}`, hint: 'govctl handoff prune --keep N --reason TEXT' });
      if (row.finished_at !== null) return documentOf(row, row);
      const { bound, pruned_upto, kept } = await boundNow();
      if (bound < row.upto || pruned_upto < row.upto)
        throw new Problem('conflict', {
          detail: `the changelog is read again from its start, so ${row.prune_id} ends here: ${row.removed_rows} of ${row.planned_rows} rows were removed`,
          hint: 'govctl handoff prune --keep N --reason TEXT',
        });
      const { walked_upto, removed } = await prune.slice({ after: row.walked_upto, upto: row.upto, before: row.before_at, kept });
      const finished_at = walked_upto >= row.upto ? now : null;
      const done = { prune_id: row.prune_id, from: row.walked_upto, walked_upto, removed, finished_at };
      const result = await journal.commit(advancePrune(done));
      if (!result.ok) {
        // Somebody else carries the same prune on: what is stored is how far it is.
        const [[stored = row]] = await database.read([pruneById(params)]);
        return documentOf(stored, stored);
      }
      return documentOf(row, { removed_rows: row.removed_rows + removed, finished_at });
    },
  };
}

function documentOf(row: PruneRow, { removed_rows, finished_at }: Pick<PruneRow, 'removed_rows' | 'finished_at'>) {
  return {
    schemaVersion,
    kind: 'HandoffPrune' as const,
    dry_run: false,
    prune_id: row.prune_id,
    upto: row.upto,
    before: row.before_at,
    planned_rows: row.planned_rows,
    removed_rows,
    quarantined: 0,
    oldest: null,
    newest: null,
    finished: finished_at !== null,
    evidence_ref: row.evidence_ref,
  };
}
