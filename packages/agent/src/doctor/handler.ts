import { type DoctorFinding, type doctorRoutes, schemaVersion } from '@govctl/core/api';
import { type LiveConfig, loadConfig } from '../config/live-config.ts';
import type { Database, MigrationState } from '../db/index.ts';
import type { Handlers } from '../http/index.ts';
import type { StateDir } from '../state/index.ts';
import { durabilityFinding } from './durability.ts';
import { failedBy, pass, warn } from './finding.ts';
import { diskFindings, ownershipFindings, secretFindings } from './folder.ts';
import { logFinding, recordedTimeFinding } from './log.ts';
import { jobsFinding, limitFindings, type ProcFiles } from './process.ts';

export type DoctorDependencies = {
  readonly dir: StateDir;
  readonly live: LiveConfig;
  readonly database: Database;
  readonly schema: MigrationState;
  readonly clockJumps: () => DoctorFinding;
  readonly proc: ProcFiles;
  /** Whom this process runs as, where the system has users. */
  readonly uid: number | undefined;
  /** Where systemd put them, if it did. */
  readonly credentials: string | undefined;
};

/** What a running daemon finds where it runs. */
export function doctorHandlers({
  dir,
  live,
  database,
  schema,
  clockJumps,
  proc,
  uid,
  credentials,
}: DoctorDependencies): Handlers<typeof doctorRoutes> {
  return {
    async 'doctor.examine'({ now }) {
      const checks = [
        ...attempted('configuration', () => [configuration(dir, live)]),
        ...attempted('state-dir', () => ownershipFindings(dir)),
        ...secretFindings(dir, live.config, credentials, now),
        ...attempted('disk', () => diskFindings(dir)),
        pass('schema', `schema ${schema.current} of ${schema.latest}`),
        await durabilityFinding(database),
        await logFinding(database, dir, live.config),
        await recordedTimeFinding(database, now),
        clockJumps(),
        ...limitFindings(proc),
        jobsFinding(live.config.runs.jobs.enabled ?? live.config.environment === 'local_parity', uid),
      ];
      return { schemaVersion, kind: 'Examination' as const, checks };
    },
  };
}

/** What stands in the file now may be what a restart would refuse. */
function configuration(dir: StateDir, live: LiveConfig): DoctorFinding {
  const { digest } = loadConfig(dir.config);
  return digest === live.digest
    ? pass('configuration', `${dir.config} is what is in force`)
    : warn('configuration', `${dir.config} says something else than what is in force`, 'systemctl reload govd (or kill -HUP its process)');
}

function attempted(name: string, look: () => readonly DoctorFinding[]): readonly DoctorFinding[] {
  try {
    return look();
  } catch (error) {
    return [failedBy(name, error)];
  }
}
