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
import type { Attempt, Ended } from './process.ts';

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

/** The processes of this machine. */
type StepProcesses = {
  /** One attempt of a step, to its end. */
  run(attempt: Attempt): Promise<Ended>;
  /** Ends what carries a wanted cookie. @returns how many were ended */
  endWithCookie(wanted: (cookie: string) => boolean): Promise<number>;
};

export type WorkerDependencies = JobDependencies & {
  /** Folder of the folders of runs. */
  readonly runs: string;
  /** This state folder on this machine, and this process. */
  readonly host: string;
  readonly process: string;
  /** Variables of our own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly processes: StepProcesses;
  /** Lets this much time pass. @throws what `signal` was aborted with */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly watch: LoopWatch;
  /** What a unit is written under now, never earlier than `after`. */
  readonly context: (after: string) => Promise<JobContext>;
  /** What the deployment demands of a job whose trace cannot be written. */
  readonly observability: () => ObservabilityMode;
};
