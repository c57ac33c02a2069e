import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { validateConfig } from '@govctl/core/config';
import { openLogCheckpoint, type TrustRoot } from '@govctl/core/evidence';

/** What lies in the second place of a restored deployment: it decides whether the log may go on by itself. */
export type SecondPlaceSeen = {
  readonly path: string;
  /** `older`: of this head or of a beginning of it. `newer`: more was signed than was restored. */
  readonly holds: 'nothing' | 'older' | 'newer' | 'something-else';
  readonly size: number | null;
};

/** Looks where the restored configuration says. The state folder itself is new, so that only a place outside can hold something. */
export async function secondPlaceOf(folder: string, config: string, trust: TrustRoot, size: number): Promise<SecondPlaceSeen> {
  const validated = validateConfig(config);
  const named = validated.ok && validated.value.kind === 'GovdConfig' ? validated.value.config.log.second_place : undefined;
  const path = resolve(folder, named ?? 'checkpoint');
  let note: string;
  try {
    note = await readFile(path, 'utf8');
  } catch (error) {
    return { path, holds: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'nothing' : 'something-else', size: null };
  }
  try {
    const last = openLogCheckpoint(note, trust);
    return { path, holds: last.size > size ? 'newer' : 'older', size: last.size };
  } catch {
    return { path, holds: 'something-else', size: null };
  }
}
