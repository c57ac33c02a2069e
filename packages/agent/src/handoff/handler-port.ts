import type { Database } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import type { Births } from './birth-admission.ts';
import type { ChangelogPruner } from './prune.ts';
import type { HandoffQueries } from './queries.ts';

/** What the handlers of the handoff need of the daemon. */
export type HandoffDependencies = {
  /** A read port with births attached. */
  readonly database: Database;
  readonly queries: HandoffQueries;
  readonly journal: Journal;
  readonly births: Births;
  /** Null where the birth tables belong to other software. */
  readonly pruner: ChangelogPruner | null;
  /** Births were written, or an event type was activated: the tail may look at once. */
  readonly wake: () => void;
  readonly blocker: () => string | null;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
};
