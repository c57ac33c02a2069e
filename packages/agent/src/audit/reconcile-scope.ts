import type { ReconcileFinding } from '@govctl/core/api';
import type { AuditDependencies } from './handler.ts';

/** Where the daemon looks beyond its own rows. */
type WorldSources = {
  /** What of a snapshot's content is not in the object store: paths, the manifest itself first. */
  missingContent(snapshotHash: string): Promise<readonly string[]>;
  /** Findings about the handoff, and how many births were compared. */
  handoff(now: string): Promise<{ readonly findings: readonly ReconcileFinding[]; readonly checked: number }>;
  /** Asks the dispatcher to go on at once. */
  wakeDispatcher(): void;
};

export type ReconcileDependencies = AuditDependencies & { readonly sources: WorldSources; readonly witness_quorum: number };

/** One run, or everything since a time. */
export type Scope = { readonly run_id: string | null; readonly since: string | null };
/** How many of each were compared: a check that looked at nothing says so. */
export type Checked = Record<string, number>;

export function ageSeconds(at: string, now: string): number {
  return Math.max(0, Math.round((Date.parse(now) - Date.parse(at)) / 1000));
}
