import { discardLimit, type handoffOperationRoutes, Problem, type RouteResponse, schemaVersion } from '@govctl/core/api';
import { discardQuarantine, type HandoffContext, type QuarantineSelector, retryQuarantine } from '@govctl/core/handoff';
import type { Actor } from '@govctl/core/identity';
import type { Handlers } from '../http/index.ts';
import type { HandoffDependencies } from './handler-port.ts';
import {
  countToRetry,
  openOfObject,
  type QuarantineRow,
  quarantineCounts,
  quarantinedRow,
  quarantinePage,
  rowsToDiscard,
  rowsToRetry,
} from './quarantine-queries.ts';

type Routes = typeof handoffOperationRoutes;
type QuarantineRoutes = { [Name in keyof Routes as Name extends `handoff.quarantine-${string}` ? Name : never]: Routes[Name] };

/** Rows that an answer names; more are counted. */
const shownRows = 100;
const rebuilds = 3;

/** Rows that stand aside: seen, applied again by the tail, or given up. */
export function quarantineHandlers(deps: HandoffDependencies): Handlers<QuarantineRoutes> {
  const { database, journal, queries } = deps;
  const contextOf = (actor: Actor, at: string): HandoffContext => ({ actor, ...deps.deployment, at, salt: deps.randomHex(16) });

  /** How many of the objects wait behind nothing but these rows. */
  const releasedBy = async (rows: readonly QuarantineRow[]): Promise<number> => {
    let released = 0;
    for (const key of new Set(rows.flatMap((row) => (row.object_key === null ? [] : [row.object_key])))) {
      const [[open]] = await database.read([openOfObject({ object_key: key })]);
      const mine = rows.filter((row) => row.object_key === key).length;
      if (open !== undefined && open.faulty <= mine) released += open.waiting;
    }
    return released;
  };

  return {
    'handoff.quarantine-list': async ({ query }) => {
      const filter = { source: query.source ?? null, object_key: query.object_key ?? null, retry_ref: query.retry_ref ?? null };
      const [rows, [counts]] = await database.read([
        quarantinePage({ ...filter, state: query.state, ...after(query.cursor), limit: query.limit + 1 }),
        quarantineCounts(filter),
      ]);
      const items = rows.slice(0, query.limit);
      const last = rows.length > query.limit ? items.at(-1) : undefined;
      return {
        schemaVersion,
        kind: 'HandoffQuarantineList',
        items: items.map(shown),
        counts: counts ?? { faulty: 0, waiting: 0, retrying: 0, applied: 0, discarded: 0 },
        next_cursor: last === undefined ? null : Buffer.from(`${last.source}/${last.id}`).toString('base64url'),
      };
    },

    'handoff.quarantine-get': async ({ params }) => {
      const [[row]] = await database.read([quarantinedRow(params)]);
      if (row === undefined) throw noRow(`${params.source}/${params.id}`);
      return { schemaVersion, kind: 'HandoffQuarantinedRow', ...shown(row), row: row.row };
    },

    'handoff.quarantine-retry': async ({ body, actor, now }) => {
      const selector = selectorOf(body);
      const [rows, [count], cursors] = await database.read([
        rowsToRetry({ ...selector, limit: shownRows }),
        countToRetry(selector),
        queries.cursorStatus({}),
      ]);
      const asked = count?.asked ?? 0;
      if (asked === 0) throw noRow(nameOf(selector));
      const paused = cursors.some((cursor) => cursor.paused_at !== null);
      const answer = {
        schemaVersion,
        kind: 'HandoffQuarantineRetry',
        asked,
        applied: 0,
        failed: 0,
        waiting: 0,
        paused,
      } as const;
      if (body.dry_run) return { ...answer, dry_run: true, retrying: 0, items: faultyOf(rows), evidence_ref: null };
      const unit = retryQuarantine(contextOf(actor, now), { selector, rows: rows.map(brief), row_count: asked, reason: body.reason });
      const result = await journal.commit(unit);
      if (!result.ok) throw noRow(nameOf(selector));
      deps.wake();
      return { ...answer, dry_run: false, retrying: asked, items: [], evidence_ref: result.committed.records[0]?.ref ?? null };
    },

    'handoff.quarantine-discard': async ({ body, actor, now }) => {
      const selector = selectorOf(body);
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const [rows] = await database.read([rowsToDiscard({ ...selector, limit: discardLimit + 1 })]);
        if (rows.length === 0) throw await whyNoDiscard(selector);
        if (rows.length > discardLimit)
          throw new Problem('unprocessable', {
            detail: `${nameOf(selector)} has more than ${discardLimit} faulty rows, and each has to stand in the record`,
            hint: 'govctl handoff quarantine discard SOURCE/ID --reason TEXT',
          });
        const released = await releasedBy(rows);
        const answer = { schemaVersion, kind: 'HandoffQuarantineDiscard', discarded: rows.map(brief), released } as const;
        if (body.dry_run) return { ...answer, dry_run: true, evidence_ref: null };
        const result = await journal.commit(discardQuarantine(contextOf(actor, now), { rows: rows.map(brief), reason: body.reason }));
        if (!result.ok) continue;
        deps.wake();
        return { ...answer, dry_run: false, evidence_ref: result.committed.records[0]?.ref ?? null };
      }
      throw new Problem('conflict', {
        detail: `${nameOf(selector)} keeps changing under this request: nothing was done`,
        hint: 'try again',
      });
    },
  };

  async function whyNoDiscard(selector: QuarantineSelector): Promise<Problem> {
    const { source, id } = selector;
    const [row] = source === null || id === null ? [] : (await database.read([quarantinedRow({ source, id })]))[0];
    if (row === undefined || row.resolved_at !== null) return noRow(nameOf(selector));
    return new Problem('unprocessable', {
      detail: `${source}/${id} is sound: it only waits behind a faulty row of ${row.object_key}, and is applied when that is retried or discarded`,
      hint: `govctl handoff quarantine ls --key ${row.object_key}`,
    });
  }
}

function selectorOf(body: { source?: string | undefined; id?: number | undefined; object_key?: string | undefined }): QuarantineSelector {
  return { source: body.source ?? null, id: body.id ?? null, object_key: body.object_key ?? null };
}

function nameOf({ source, id, object_key }: QuarantineSelector): string {
  if (source !== null && id !== null) return `${source}/${id}`;
  return object_key ?? source ?? '';
}

function noRow(name: string): Problem {
  return new Problem('not-found', { detail: `nothing of ${name} stands aside in quarantine`, hint: 'govctl handoff quarantine ls' });
}

function after(cursor: string | undefined): { after_source: string; after_id: number } {
  const [source = '', id = '0'] = cursor === undefined ? [] : Buffer.from(cursor, 'base64url').toString('utf8').split('/');
  return { after_source: source, after_id: Number.parseInt(id, 10) || 0 };
}

function brief({ source, id, object_key, error }: QuarantineRow) {
  return { source, id, object_key, error };
}

function faultyOf(rows: readonly QuarantineRow[]) {
  return rows.filter((row) => row.waits === 0).map(brief);
}

type Shown = RouteResponse<Routes['handoff.quarantine-list']>['items'][number];

function shown(found: QuarantineRow): Shown {
  const { row: _row, waits, retry_asked_at, resolution, ...rest } = found;
  const open = retry_asked_at !== null ? 'retrying' : waits === 1 ? 'waiting' : 'faulty';
  const resolved = resolution === 'discarded' || resolution === 'reread' ? resolution : 'applied';
  return { ...rest, state: found.resolved_at === null ? open : resolved };
}
