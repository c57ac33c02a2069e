import type { RunsConfig } from '@govctl/core/config';
import type { Facts } from '@govctl/core/decision';
import type { Ceilings, JobContext } from '@govctl/core/job';
import type { MidRunSettings, ObservabilityMode } from '@govctl/core/run';
import type { Logger } from 'pino';
import type { Database } from '../db/index.ts';
import type { Authority } from '../identity/authority.ts';
import type { Journal } from '../journal/index.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import type { ObjectStore } from '../object/index.ts';
import type { CompiledPacks } from '../policy/pack-store.ts';
import type { PackStore } from '../promotion/facts.ts';

/** What jobs need of the daemon. */
export type JobDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly objects: ObjectStore;
  readonly packs: PackStore & CompiledPacks;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly environment: () => Facts['environment'];
  readonly config: RunsConfig['jobs'];
  /** What the deployment allows a job at most, as it is configured now. */
  readonly ceilings: () => Ceilings;
  readonly mid_run: MidRunSettings;
  readonly authority: Authority;
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
  readonly logger: Logger;
};

export type WorkerDependencies = JobDependencies & {
  /** Folder of the folders of runs. */
  readonly runs: string;
  /** This state folder on this machine, and this process. */
  readonly host: string;
  readonly process: string;
  /** Variables of our own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly watch: LoopWatch;
  /** What a unit is written under now, never earlier than `after`. */
  readonly context: (after: string) => Promise<JobContext>;
  /** What the deployment demands of a job whose trace cannot be written. */
  readonly observability: () => ObservabilityMode;
};
