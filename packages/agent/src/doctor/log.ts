import { readFileSync } from 'node:fs';
import type { DoctorFinding } from '@govctl/core/api';
import type { GovdConfig } from '@govctl/core/config';
import { loadTrust } from '@govctl/core/evidence';
import { type Database, query } from '../db/index.ts';
import { readNote } from '../evidence/note-file.ts';
import { compareLog } from '../evidence/second-place.ts';
import { secondPlacePath } from '../evidence/second-place-path.ts';
import type { StateDir } from '../state/index.ts';
import { fail, failedBy, pass, warn } from './finding.ts';

const newestCommit = query<Record<string, never>, { committed_at: string }>(
  'newest commit',
  'SELECT committed_at FROM log_head ORDER BY size DESC LIMIT 1',
);

/** More than this and records would carry times that cannot be. */
const clockToleranceMs = 5000;

/** The log against what was signed last. */
export async function logFinding(database: Database, dir: StateDir, config: GovdConfig): Promise<DoctorFinding> {
  const place = secondPlacePath(dir, config);
  try {
    const trust = loadTrust(JSON.parse(readFileSync(dir.trust, 'utf8')));
    const standing = await compareLog(database, trust, await readNote(place));
    const adopt = `govd log adopt --state-dir ${dir.root} --reason TEXT`;
    switch (standing.is) {
      case 'new':
        return pass('log', 'nothing was logged yet');
      case 'continues':
        return config.log.second_place === undefined
          ? warn(
              'log',
              `${standing.head.size} leaves, as signed; but the second place is in the state folder: whoever puts that back puts both back`,
              'log.second_place in govd.yaml: a file on another disk, then restart govd',
            )
          : pass('log', `${standing.head.size} leaves continue the ${standing.last_signed} that were signed last (${place})`);
      case 'behind':
      case 'forked':
      case 'unpinned':
        return fail('log', standing.why, adopt);
      case 'unreadable':
        return fail('log', standing.why, `mv ${place} ${place}.other`);
    }
  } catch (error) {
    return failedBy('log', error);
  }
}

/** A host's clock that is behind what it wrote itself went backwards. */
export async function recordedTimeFinding(database: Database, now: string): Promise<DoctorFinding> {
  try {
    const [[newest]] = await database.read([newestCommit({})]);
    const ahead = newest === undefined ? 0 : Date.parse(newest.committed_at) - Date.parse(now);
    return ahead > clockToleranceMs
      ? fail(
          'clock',
          `the clock is ${Math.round(ahead / 1000)} s behind the newest commit (${newest?.committed_at}): it went backwards`,
          'timedatectl',
        )
      : pass('clock', newest === undefined ? 'nothing was committed yet' : 'not behind the newest commit');
  } catch (error) {
    return failedBy('clock', error);
  }
}
