import type { PostgresSession } from '../db/index.ts';
import {
  type SourceName,
  type SourceSql,
  type SourcesSql,
  type SourceTables,
  sourceNames,
  sourcesSql,
  unknownCatalogs,
} from './source.postgres.ts';
import { checkSource } from './source-check.postgres.ts';
import { raiseAlarm } from './tail-alarm.postgres.ts';

/** The sources as the catalog was found last: which of them can be read, and their SQL. */
export class TailSources {
  readonly #session: PostgresSession;
  readonly #tables: SourceTables;
  readonly #texts = new Map<string, string>();
  #sql: SourcesSql;
  #fit: ReadonlySet<SourceName> = new Set();

  constructor(session: PostgresSession, tables: SourceTables) {
    this.#session = session;
    this.#tables = tables;
    this.#sql = sourcesSql(tables, unknownCatalogs);
  }

  get sql(): SourcesSql {
    return this.#sql;
  }

  get fit(): ReadonlySet<SourceName> {
    return this.#fit;
  }

  /** SQL of the sources that can be read. */
  readable(): SourceSql[] {
    return sourceNames.filter((name) => this.#fit.has(name)).map((name) => this.#sql[name]);
  }

  /** A text made once, for as long as the catalog says the same. */
  text(name: string, make: () => string): string {
    const known = this.#texts.get(name) ?? make();
    this.#texts.set(name, known);
    return known;
  }

  /** Asks the catalog; what does not fit is told as drift, and that source is not read. */
  async check(): Promise<void> {
    const { findings, catalogs } = await this.#session.transaction((run) => checkSource(run, this.#tables));
    this.#fit = new Set(sourceNames.filter((name) => !findings.some(({ source }) => source === name)));
    // The changelog asks the registry for types only where the registry can be asked.
    const by_key = catalogs.birth_registry.by_key && this.#fit.has('birth_registry');
    this.#sql = sourcesSql(this.#tables, { ...catalogs, birth_registry: { ...catalogs.birth_registry, by_key } });
    this.#texts.clear();
    for (const source of sourceNames) {
      const details = findings
        .filter((found) => found.source === source)
        .map(({ detail, sql }) => (sql === undefined ? detail : `${detail} (${sql})`));
      if (details.length === 0) continue;
      await this.#session.transaction((run) => raiseAlarm(run, source, { coverage: 'drift', detail: details.join('; ') }));
    }
  }
}
