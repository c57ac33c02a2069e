import { type handoffReplayRoutes, Problem, schemaVersion } from '@govctl/core/api';
import {
  type HandoffContext,
  type ReplayRange,
  type ReplayRow,
  type ReplaySource,
  rangeFault,
  startReplay,
  stopReplay,
} from '@govctl/core/handoff';
import type { Actor } from '@govctl/core/identity';
import type { Database } from '../../db/index.ts';
import type { Handlers } from '../../http/index.ts';
import type { Journal } from '../../journal/index.ts';
import type { ReplayQueries } from './port.ts';
import { readUpto, replayById, replayList } from './queries.ts';

export type ReplayDependencies = {
  /** A read port with births attached. */
  readonly database: Database;
  readonly replayQueries: ReplayQueries;
  readonly journal: Journal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  /** A replay was started: it may begin at once. */
  readonly wakeReplay: () => void;
};

type Requested = {
  readonly source: ReplaySource;
  readonly from?: number | string | undefined;
  readonly to?: number | string | undefined;
  readonly object_key?: string | undefined;
};

/** Rows that a dry run proves at a time: others are answered in between. */
const proofRows = 5_000;
/** How often a stop is rebuilt when batches commit in between. */
const rebuilds = 20;

/** Replays: jobs that run a range of the birth sources again, bounded, listed and stopped by operators. */
export function replayHandlers(deps: ReplayDependencies): Handlers<typeof handoffReplayRoutes> {
  const { database, replayQueries, journal } = deps;
  const contextOf = (actor: Actor, at: string): HandoffContext => ({ actor, ...deps.deployment, at, salt: deps.randomHex(16) });

  /** The range by ids, with how many rows it has. @throws Problem `unprocessable` for a range that cannot be run */
  const rangeOf = async ({ source, from, to, ...only }: Requested): Promise<{ range: ReplayRange; rows_total: number }> => {
    const object_key = only.object_key ?? null;
    const [[cursor]] = await database.read([readUpto({ source })]);
    const upto = cursor?.low_water ?? 0;
    const at = (bound: number | string | undefined) => (typeof bound === 'string' ? moment(bound) : null);
    const [since, until] = [at(from), at(to)];
    const from_id = typeof from === 'number' ? from : 1;
    const to_id = typeof to === 'number' ? to : upto;
    if (since !== null && until !== null && since > until) {
      throw new Problem('unprocessable', {
        detail: `the range runs backwards: from ${from} to ${to}`,
        hint: 'name the earlier moment with --from',
      });
    }
    const [[span]] = await database.read([replayQueries.span({ source, object_key, since, until, from_id, to_id })]);
    const told = since !== null || until !== null;
    const range = {
      source,
      object_key,
      from_id: since === null ? from_id : (span?.first_id ?? from_id),
      to_id: until === null ? to_id : (span?.last_id ?? to_id),
    };
    const fault = rangeFault(range, upto, span?.row_count ?? 0);
    if (fault !== null) throw new Problem('unprocessable', fault);
    // The ids of a period may hold rows of other times, which are run too.
    if (!told) return { range, rows_total: span?.row_count ?? 0 };
    const { from_id: first, to_id: last } = range;
    const [[whole]] = await database.read([
      replayQueries.span({ source, object_key, since: null, until: null, from_id: first, to_id: last }),
    ]);
    return { range, rows_total: whole?.row_count ?? 0 };
  };

  const rowOf = async (replay_id: string): Promise<ReplayRow> => {
    const [[row]] = await database.read([replayById({ replay_id })]);
    if (row !== undefined) return row;
    throw new Problem('not-found', { detail: `no replay ${replay_id}`, hint: 'govctl handoff replay ls' });
  };
  const documentOf = (row: ReplayRow) => ({ schemaVersion, kind: 'HandoffReplay' as const, ...shown(row) });

  return {
    'handoff.replay': async ({ body, actor, now }) => {
      const { range, rows_total } = await readable(() => rangeOf(body));
      const replay_id = body.replay_id ?? `replay-${deps.randomHex(8)}`;
      const { rate = null, reason = null } = body;
      const result = await journal.commit(startReplay(contextOf(actor, now), { ...range, replay_id, rate, reason, rows_total }));
      if (!result.ok) throw new Problem('conflict', { detail: `replay ${replay_id} exists`, hint: 'leave --id out to get a new one' });
      deps.wakeReplay();
      return documentOf(await rowOf(replay_id));
    },

    'handoff.replay-evaluate': async ({ body }) => {
      const { range, rows_total } = await readable(() => rangeOf(body));
      const { source, object_key, to_id: high } = range;
      const would_mend = { candidates: 0, events: 0, changes: 0 };
      let [low, held_rows] = [range.from_id - 1, 0];
      while (low < high) {
        const slice = { source, object_key, low, high, rows: proofRows };
        const [[proof]] = await readable(() => database.read([replayQueries.prove(slice)]));
        if (proof === undefined) break;
        would_mend.candidates += proof.candidates;
        would_mend.events += proof.events;
        would_mend.changes += proof.changes;
        held_rows += proof.held_rows;
        low = proof.row_count < proofRows ? high : proof.last_id;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return { schemaVersion, kind: 'HandoffReplayPlan', dry_run: true, ...range, rows_total, would_mend, held_rows };
    },

    'handoff.replay-list': async ({ query }) => {
      const [rows] = await database.read([replayList({ limit: query.limit })]);
      return { schemaVersion, kind: 'HandoffReplayList', items: rows.map(shown) };
    },

    'handoff.replay-get': async ({ params }) => documentOf(await rowOf(params.replay_id)),

    'handoff.replay-stop': async ({ params, body, actor, now }) => {
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const row = await rowOf(params.replay_id);
        if (row.status === 'stopped') return documentOf(row);
        if (row.status === 'complete') {
          throw new Problem('conflict', {
            detail: `replay ${row.replay_id} was complete at ${row.ended_at}: there is nothing to stop`,
            hint: 'govctl handoff replay ls',
          });
        }
        const result = await journal.commit(stopReplay(contextOf(actor, now), row, body.reason));
        if (result.ok) return documentOf(await rowOf(params.replay_id));
      }
      throw new Problem('conflict', { detail: `replay ${params.replay_id} moved on while it was being stopped`, hint: 'try again' });
    },
  };
}

/** A moment as births keep theirs: text with six decimals, whose order is the order of time. */
function moment(text: string): string {
  const [seconds = '', fraction = ''] = text.replace(/Z$/, '').split('.');
  return `${seconds}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('unavailable', { detail: `births cannot be read: ${(cause as Error).message}`, hint: 'govctl doctor', cause });
  }
}

function shown(row: ReplayRow) {
  const { mended_candidates: candidates, mended_events: events, mended_changes: changes, authenticated_by: _by, ...rest } = row;
  return { ...rest, mended: { candidates, events, changes } };
}
