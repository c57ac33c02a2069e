import { Client, type QueryResultRow } from 'pg';
import type { PostgresAccess } from '../postgres/server.ts';
import { source } from './source.ts';
import type { Delivery } from './tailer.ts';

const changelog = `${source}.registry_changelog`;

/** What must be there in the end, by object: nothing of it depends on the order in which rows became visible. */
const expected = `SELECT object_key, max(born_at) FILTER (WHERE change = 'BORN') AS born_at,
    max(born_at) FILTER (WHERE change = 'RETIRED') AS retired_at, coalesce(max(id) FILTER (WHERE change <> 'BORN'), 0) AS changelog_id
  FROM ${changelog} GROUP BY object_key`;

const wrongCandidates = `SELECT coalesce(x.object_key, c.object_key) || ': candidate ' || coalesce(to_json(c)::text, 'missing') || ', expected ' || coalesce(to_json(x)::text, 'none') AS what
  FROM (${expected}) x FULL JOIN governance_candidate_state c ON c.object_key = x.object_key
  WHERE x.object_key IS NULL OR c.object_key IS NULL OR c.dirty <> 1 OR c.born_at IS DISTINCT FROM x.born_at
    OR c.retired_at IS DISTINCT FROM x.retired_at OR c.changelog_id < x.changelog_id`;

const unsettled = `SELECT source || ': low water ' || low_water || ', seen ' || seen || ', alarm ' || coalesce(alarm, 'none') AS what
  FROM handoff_cursor WHERE seen <> '{}' OR alarm IS NOT NULL OR low_water < CASE source
    WHEN 'birth_registry' THEN (SELECT coalesce(max(birth_id), 0) FROM ${source}.birth_registry)
    ELSE (SELECT coalesce(max(id), 0) FROM ${changelog}) END`;

const quarantined = `SELECT source || ' ' || id || ' is quarantined: ' || error AS what FROM handoff_quarantine`;

const unannounced = `SELECT object_key || ' ' || born_at || ' was never announced' AS what FROM ${changelog} c WHERE change = 'BORN'
  AND NOT EXISTS (SELECT 1 FROM handoff_emitted e WHERE e.object_key = c.object_key AND e.born_at = c.born_at)`;

const events = `SELECT e.value -> 'data' ->> 'object_key' AS object_key, e.value -> 'data' ->> 'born_at' AS born_at,
    (extract(epoch FROM pg_xact_commit_timestamp(o.xmin)) * 1000)::float8 AS at
  FROM outbox o, json_array_elements(o.events::json) WITH ORDINALITY e
  WHERE e.value ->> 'type' = 'handoff.object_born' ORDER BY o.outbox_id, e.ordinality`;

/** What our tail did, read from the tables of governance in this schema. */
export class OwnEffect {
  readonly #client: Client;

  constructor(server: PostgresAccess, database: string, schema: string) {
    this.#client = new Client({ ...server.connection(database), options: `-c search_path=${schema},public` });
  }

  async open(): Promise<void> {
    await this.#client.connect();
    // Events are delivered from the first birth on, so that their order can be seen.
    await this.#client.query('UPDATE event_type_registry SET active = 1');
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  delivered(): Promise<Delivery[]> {
    return this.#ask<Delivery>(events);
  }

  /** Everything that is not as it must be once the writers have ended and the tail has settled. */
  async complaints(): Promise<string[]> {
    const found: { what: string }[] = [];
    for (const sql of [unannounced, wrongCandidates, quarantined, unsettled]) found.push(...(await this.#ask<{ what: string }>(sql)));
    return found.map(({ what }) => what);
  }

  /** Another text as long as the tail goes on. */
  async position(): Promise<string> {
    const rows = await this.#ask<{ at: string }>(
      `SELECT concat_ws(' ', low_water, seen, applied_rows) AS at FROM handoff_cursor ORDER BY source`,
    );
    return rows.map(({ at }) => at).join(', ');
  }

  async #ask<Row extends QueryResultRow>(sql: string): Promise<Row[]> {
    return (await this.#client.query<Row>(sql)).rows;
  }
}
