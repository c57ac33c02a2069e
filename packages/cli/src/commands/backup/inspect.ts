import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { examineBackup } from '@govctl/core/backup';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import { archiveBytes } from './archive-reader.ts';
import { backupTrust } from './backup-trust.ts';
import type { backupInspect } from './declaration.ts';
import { described } from './described.ts';

export const run: Run<typeof backupInspect> = async (context, { file }, flags) => {
  const examined = await examineFile(context, file, flags.trust);
  return {
    document: asDocument('BackupInspection', { file: resolve(context.cwd, file), verified: true, ...described(examined) }),
    names: [examined.manifest.backup_id],
  };
};

/** Reads a backup to its end with progress, handing each file on where somebody takes it. */
export async function examineFile(
  context: CommandContext,
  file: string,
  given: string | undefined,
  take?: NonNullable<Parameters<typeof examineBackup>[1]>['take'],
  label = 'reading',
) {
  const { io, cwd, signal } = context;
  const trust = await backupTrust(context, given);
  const packed = await stat(resolve(cwd, file)).then(
    ({ size }) => size,
    () => 0,
  );
  const progress = await io.progress(`${label} ${file}`);
  try {
    const examined = await examineBackup(archiveBytes(cwd, file, signal), {
      trust,
      ...(take === undefined ? {} : { take }),
      // Of a packed file nobody knows how much is in it.
      onBytes: (done) => progress.update({ done, unit: 'bytes', ...(file.endsWith('.tar') && packed >= done ? { total: packed } : {}) }),
    });
    await progress.done();
    return examined;
  } catch (error) {
    await progress.fail();
    throw error;
  }
}
