/** What of the changelog may go: rows up to the bound, older than a moment, and not among the newest. */
export type PruneSelection = {
  /** Read, settled and proved up to here; the newest such row always stays, to know the source by. */
  readonly bound: number;
  /** In the form of born_at. */
  readonly before: string | null;
  readonly keep: number | null;
  /** Ids that stay whatever else is said. */
  readonly kept: readonly number[];
};

export type PruneSurvey = {
  readonly upto: number;
  readonly rows: number;
  readonly first_id: number | null;
  readonly oldest: string | null;
  readonly newest: string | null;
};

export type PruneSlice = {
  readonly after: number;
  readonly upto: number;
  readonly before: string | null;
  readonly kept: readonly number[];
};

/** Removes rows of the changelog that belongs to us. Nothing else ever removes any. */
export type ChangelogPruner = {
  survey(selection: PruneSelection): PruneSurvey | Promise<PruneSurvey>;
  /** The next few rows in the order of their ids; up to which id it looked, and how many went. */
  slice(slice: PruneSlice): SliceDone | Promise<SliceDone>;
};
export type SliceDone = { readonly walked_upto: number; readonly removed: number };

/** A slice holds the writer of births for a few milliseconds. */
const sliceRows = 2_000;

const may = '(born_at < :before OR :before IS NULL)';

/** SQL of a prune; `kept` makes a set of a parameter that is a JSON array. */
export function pruneSql(kept: string) {
  return {
    bounds: `SELECT coalesce((SELECT max(id) FROM registry_changelog WHERE id <= :bound), 0) - 1 AS settled,
        (SELECT id FROM registry_changelog ORDER BY id DESC LIMIT 1 OFFSET :keep) AS old`,
    survey: `SELECT count(*) AS rows, min(id) AS first_id, min(born_at) AS oldest, max(born_at) AS newest
      FROM registry_changelog WHERE id <= :upto AND ${may} AND id NOT IN (${kept})`,
    reach: `SELECT max(id) AS reach FROM (SELECT id FROM registry_changelog WHERE id > :after AND id <= :upto ORDER BY id LIMIT ${sliceRows}) AS s`,
    remove: `DELETE FROM registry_changelog WHERE id > :after AND id <= :reach AND ${may} AND id NOT IN (${kept})`,
  } as const;
}

/** Where the rows that may go end: `settled` and `old` as `bounds` found them; `old` is null where fewer rows than that are there. */
export function pruneUpto({ settled, old }: { settled: number; old: number | null }, keep: number | null): number {
  return Math.max(0, keep === null ? settled : Math.min(settled, old ?? 0));
}
