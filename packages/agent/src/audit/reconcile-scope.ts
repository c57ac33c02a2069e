import type { ReconcileFinding } from '@govctl/core/api';
import type { AuditFinding } from '@govctl/core/audit';
import type { Findings } from './findings.ts';
import type { AuditDependencies } from './handler.ts';
import type { Pace } from './pace.ts';

/** Where the daemon looks beyond its own rows. */
type WorldSources = {
  /** What of a snapshot's content is not in the object store: paths, the manifest itself first. */
  missingContent(snapshotHash: string): Promise<readonly string[]>;
  /** Findings about the handoff, and how many births were compared. */
  handoff(now: string, pace: Pace): Promise<{ readonly findings: readonly ReconcileFinding[]; readonly checked: number }>;
  /** Asks the dispatcher to go on at once. */
  wakeDispatcher(): void;
};

export type ReconcileDependencies = AuditDependencies & {
  readonly sources: WorldSources;
  readonly witness_quorum: number;
  /** Whether somebody is being served right now. */
  readonly busy: () => boolean;
};

/** One run, or everything since a time. */
export type Scope = { readonly run_id: string | null; readonly since: string | null };
/** How many of each were compared: a check that looked at nothing says so. */
export type Checked = Record<string, number>;

/** A run, known or not, and what its audit contract lacks. */
export type FoundOfRun = {
  readonly run_id: string;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly layer: string | null;
  readonly findings: readonly AuditFinding[];
};

/** One reconciliation, under way. */
export type Reconciling = {
  readonly deps: ReconcileDependencies;
  readonly scope: Scope;
  readonly now: string;
  readonly pace: Pace;
  readonly checked: Checked;
  readonly findings: Findings;
  /** Told what was found of runs, page by page: all of it is nowhere in memory. */
  readonly tell: (found: readonly FoundOfRun[]) => Promise<void>;
};

export function ageSeconds(at: string, now: string): number {
  return Math.max(0, Math.round((Date.parse(now) - Date.parse(at)) / 1000));
}
