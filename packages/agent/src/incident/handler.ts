import { type incidentRoutes, Problem, type RouteResponse, schemaVersion } from '@govctl/core/api';
import { type Actor, mayAffect } from '@govctl/core/identity';
import { resolveIncident } from '@govctl/core/incident';
import { query } from '../db/index.ts';
import { type Handlers, pageBegin, pageOf } from '../http/index.ts';
import { type GovernanceDependencies, governanceContext } from '../policy/governance.ts';

type Shown = Omit<RouteResponse<(typeof incidentRoutes)['incident.get']>, 'schemaVersion' | 'kind'>;
type IncidentRow = Omit<Shown, 'state' | 'incident_kind'> & { readonly kind: Shown['incident_kind'] };

const columns = `incident_id, kind, severity, error_code, reason, run_id, run_status, tenant_id, dataset_id, opened_at, resolved_at, resolved_by,
  resolve_reason`;
export const incidentById = query<{ incident_id: string }, IncidentRow>(
  'incident by id',
  `SELECT ${columns} FROM incident WHERE incident_id = :incident_id`,
);
const incidents = query<
  {
    tenant_id: string | null;
    dataset_id: string | null;
    run_id: string | null;
    all: number;
    before: string;
    before_id: string;
    limit: number;
  },
  IncidentRow
>(
  'incidents',
  `SELECT ${columns} FROM incident
   WHERE (:tenant_id IS NULL OR tenant_id = :tenant_id) AND (:dataset_id IS NULL OR dataset_id = :dataset_id)
     AND (:run_id IS NULL OR run_id = :run_id) AND (:all = 1 OR resolved_at IS NULL)
     AND opened_at <= :before AND (opened_at < :before OR incident_id > :before_id)
   ORDER BY opened_at DESC, incident_id LIMIT :limit`,
);

/** Lists, shows and resolves incidents; what an actor has no grant for is not there. */
export function incidentHandlers(deps: GovernanceDependencies): Handlers<typeof incidentRoutes> {
  const { database, journal } = deps;
  return {
    async 'incident.ls'({ query: asked, actor }) {
      const [rows] = await database.read([
        incidents({
          tenant_id: asked.tenant_id ?? null,
          dataset_id: asked.dataset_id ?? null,
          run_id: asked.run_id ?? null,
          all: Number(asked.all === 'true'),
          ...pageBegin(asked.cursor),
          limit: asked.limit + 1,
        }),
      ]);
      const { page, next_cursor } = pageOf(rows, asked.limit, ({ opened_at, incident_id }) => [opened_at, incident_id]);
      return {
        schemaVersion,
        kind: 'IncidentList' as const,
        items: page.filter((row) => maySee(actor, 'incident.read', row)).map(shown),
        next_cursor,
      };
    },

    async 'incident.get'({ params, actor }) {
      const [[row]] = await database.read([incidentById(params)]);
      if (row === undefined || !maySee(actor, 'incident.read', row)) throw noIncident(params.incident_id);
      return { schemaVersion, kind: 'Incident' as const, ...shown(row) };
    },

    async 'incident.resolve'({ params, body, actor }) {
      const [[row]] = await database.read([incidentById(params)]);
      if (row === undefined || !maySee(actor, 'incident.resolve', row)) throw noIncident(params.incident_id);
      // Already resolved is what was asked for; nothing is written twice.
      if (row.resolved_at !== null) return { schemaVersion, kind: 'Incident' as const, ...shown(row), evidence_ref: null };
      const context = governanceContext(deps, actor);
      const { unit, evidence_ref } = resolveIncident(context, row, body.reason);
      const result = await journal.commit(unit);
      if (!result.ok)
        throw new Problem('conflict', {
          detail: `${row.incident_id} was resolved by somebody else just now`,
          hint: `govctl incident get ${row.incident_id}`,
        });
      const resolved = { ...row, resolved_at: context.at, resolved_by: actor.actor_id, resolve_reason: body.reason };
      return { schemaVersion, kind: 'Incident' as const, ...shown(resolved), evidence_ref };
    },
  };
}

/** An incident of no dataset is the tenant's, or the deployment's: for whoever may look at every dataset. */
function maySee(actor: Actor, action: string, { tenant_id, dataset_id, kind }: IncidentRow): boolean {
  return mayAffect(actor, action, { tenant_id: kind === 'system' ? '*' : tenant_id, dataset_id: dataset_id ?? '*' });
}

function shown({ kind, ...row }: IncidentRow): Shown {
  return { ...row, incident_kind: kind, state: row.resolved_at === null ? 'open' : 'resolved' };
}

function noIncident(incidentId: string): Problem {
  return new Problem('not-found', { detail: `no incident ${incidentId}`, hint: 'govctl incident ls --all' });
}
