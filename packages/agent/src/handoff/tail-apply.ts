import type { SqlParams } from '../db/index.ts';
import type { CursorRow, Key, SqliteTailSession } from './tail-session.ts';
import { asideSql, attention, type Lane, type SourceName, setAsideSql, type TailSql, tailSql } from './tail-sql.ts';

/** What one batch reads of one source: ids above `low` up to `high` and, in the key lane, only keys of the span. */
export type Range = { readonly cursor: CursorRow; readonly low: number; readonly high: number };
export type Span = { readonly lane: Exclude<Lane, 'ids'>; readonly after_key: Key; readonly to_key: Key; readonly last: boolean };
export const arrivalSpan: Span = { lane: 'arrival', after_key: '', to_key: '', last: true };

/** Ids of the registry that a transaction has applied without leaving a row out. */
export type Told = { readonly told_low: number; readonly told_high: number };
export const nothingTold: Told = { told_low: 0, told_high: 0 };

type Survey = { readonly row_count: number; readonly attention: number };
type Place = { readonly source: SourceName; readonly lane: Lane; readonly params: SqlParams };

/** Rows into candidates and events, a few set-based statements each time. */
export class TailApply {
  readonly #session: SqliteTailSession;
  readonly #sql = new Map<string, TailSql>();
  /** Whose rows the statements under way apply: where one fails for what a row holds, it is one of these. */
  #applying: Place | null = null;

  constructor(session: SqliteTailSession) {
    this.#session = session;
  }

  /** Before an attempt. */
  begin(): void {
    this.#applying = null;
  }

  /** `told`: what the registry has applied in this transaction, whose births the changelog need not tell of again. */
  range({ cursor, low, high }: Range, span: Span, told: Told): { readonly row_count: number; readonly told: Told } {
    const session = this.#session;
    const { source } = cursor;
    const place: SqlParams = span.lane === 'arrival' ? { low, high } : { low, high, after_key: span.after_key, to_key: span.to_key };
    const registry = source === 'birth_registry';
    const plain = this.#tailSql(span.lane, false);
    this.#applying = { source, lane: span.lane, params: place };
    const [survey] = session.all<Survey>(plain.survey[source], registry ? place : { ...place, ...told });
    if (survey === undefined || survey.row_count === 0) return { row_count: 0, told };
    const careful = survey.attention === attention.faults || session.all(asideSql).length > 0;
    if (careful) {
      const stamped = { ...place, now: session.now(), fresh_above: cursor.low_water };
      // Twice: the second finds rows behind those that the first put there.
      session.run(plain.quarantine[source], stamped);
      session.run(plain.quarantine[source], stamped);
    }
    const births = careful || survey.attention === attention.births;
    this.#write(source, this.#tailSql(span.lane, careful), place, births);
    this.#applying = null;
    if (!registry) return { row_count: survey.row_count, told };
    return { row_count: survey.row_count, told: careful ? nothingTold : { told_low: low, told_high: high } };
  }

  /** Rows of which it is known that they can be applied, if any statement takes them. */
  ids(source: SourceName, ids: readonly number[]): void {
    if (ids.length === 0) return;
    const params = { ids: JSON.stringify(ids) };
    this.#applying = { source, lane: 'ids', params };
    this.#write(source, this.#tailSql('ids', false), params, true);
    this.#applying = null;
  }

  /** The first row of what failed stands aside; false where there is none that does not already. */
  setAside(error: Error): boolean {
    const place = this.#applying;
    if (place === null) return false;
    const { source, lane, params } = place;
    const run = (plainly: boolean) =>
      this.#session.run(setAsideSql(source, lane, plainly), { ...params, now: this.#session.now(), error: error.message });
    try {
      return run(false) > 0;
    } catch (cause) {
      if (!isFaultOfRow(cause)) throw cause;
      return run(true) > 0;
    }
  }

  #write(source: SourceName, sql: TailSql, place: SqlParams, births: boolean): void {
    const session = this.#session;
    const stamped = { ...place, now: session.now() };
    const { events, candidates } = source === 'birth_registry' ? sql.births : sql.changelog;
    if (births) {
      // Straight to the outbox only while nothing waits in event_pending: what was captured first goes out first.
      if (session.delivers() && !session.drains()) {
        session.run(events.outbox, { ...stamped, environment: session.environment });
        session.run(events.emitted, stamped);
      } else {
        session.run(events.capture, stamped);
      }
      // After the events: the changelog's look for births without a candidate.
      session.run(candidates, stamped);
    }
    if (source === 'registry_changelog') session.run(sql.changelog.changed, stamped);
  }

  #tailSql(lane: Lane, careful: boolean): TailSql {
    const name = `${lane}${careful ? ' careful' : ''}`;
    const known = this.#sql.get(name) ?? tailSql(lane, careful);
    this.#sql.set(name, known);
    return known;
  }
}

/** What a table or column that is not there any more is told as. */
export function isSchemaFault(error: unknown): boolean {
  return /no such (table|column)|has no column/.test((error as Error).message);
}

/** A constraint, or a value no statement takes: the fault of a row, which the others need not suffer. A full disk is none. */
export function isFaultOfRow(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code ?? '');
  return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|ERROR)/.test(code) && !isSchemaFault(error);
}
