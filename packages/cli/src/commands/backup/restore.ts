import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import type { ExaminedBackup, TarEntry } from '@govctl/core/backup';
import { stringify } from 'yaml';
import { type DaemonProgram, daemonProgram } from '../../client/daemon-program.ts';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { backupRestore } from './declaration.ts';
import { described } from './described.ts';
import { examineFile } from './inspect.ts';
import { type RestoredFolder, restoredFolder } from './restored-folder.ts';
import { type SecondPlaceSeen, secondPlaceOf } from './second-place.ts';
import { readSecrets, requireOwnSecrets } from './secret-file.ts';
import { freeBytes, openTarget, requireEmptyTarget } from './target.ts';

export const run: Run<typeof backupRestore> = async (context, { file }, flags) => {
  const { cwd } = context;
  const folder = resolve(cwd, flags.stateDir);
  const govd = await daemonProgram(context, flags.govd);
  const secrets = flags.keys === undefined ? [] : await readSecrets(resolve(cwd, flags.keys));
  if (flags.dryRun) {
    await requireEmptyTarget(folder);
    let config = '';
    const examined = await examineFile(context, file, flags.trust, async (entry) => {
      if (entry.name === 'govd.yaml') config = await textOf(entry);
    });
    requireOwnSecrets(secrets, examined.trust);
    await requireSpace(folder, examined);
    return answer(folder, examined, {
      dry_run: true,
      leaves_verified: null,
      keys: secrets.length > 0,
      second_place: await secondPlaceOf(folder, config, examined.trust, examined.manifest.log.size),
    });
  }
  const target = await openTarget(folder);
  const restored = restoredFolder(target.draft);
  try {
    const examined = await examineFile(context, file, flags.trust, restored.take, 'restoring');
    requireOwnSecrets(secrets, examined.trust);
    // Keys that were given count before keys that came with it: they are the same, or they were refused.
    const own = secrets.filter(({ name }) => !examined.private_keys.includes(name));
    for (const { name, bytes } of own) await restored.write(name, bytes, 0o600);
    await restored.write('govctl.yaml', cliConfig(folder), 0o600);
    await restored.flush();
    await verified(context, govd, target.draft, examined);
    const config = await readFile(join(target.draft, 'govd.yaml'), 'utf8');
    const second_place = await secondPlaceOf(folder, config, examined.trust, examined.manifest.log.size);
    await restored.settle();
    return answer(folder, examined, {
      dry_run: false,
      leaves_verified: examined.manifest.log.size,
      keys: secrets.length > 0 || examined.private_keys.length > 0,
      second_place,
    });
  } catch (error) {
    await undo(restored, target.leave);
    throw problemOf(error, folder);
  }
};

async function undo(restored: RestoredFolder, leave: () => Promise<void>): Promise<void> {
  await restored.remove();
  await leave().catch(() => undefined);
}

/** The restored log, read by the program that will write it, must be the one that was backed up. */
async function verified({ io }: CommandContext, govd: DaemonProgram, draft: string, { manifest }: ExaminedBackup): Promise<void> {
  const progress = await io.progress('verifying the log');
  try {
    await govd.migrate(draft);
    const found = await govd.verifyLog(draft, (done, total) => progress.update({ done, total, unit: 'leaves' }));
    const { size, root } = manifest.log;
    if (!found.verified || found.tree_size !== size || found.root !== root) {
      throw new Problem('integrity', {
        detail: found.verified
          ? `the log in it has ${found.tree_size} leaves and another root than its manifest says: nothing was restored`
          : `the log in it does not verify (${found.failed} findings): nothing was restored`,
        hint: 'use an older backup: govctl backup inspect FILE',
        reasons: found.failures.slice(0, 5).map(({ check, subject, detail }) => ({ path: subject, message: `${check}: ${detail}` })),
      });
    }
    await progress.done();
  } catch (error) {
    await progress.fail();
    throw error;
  }
}

type Outcome = {
  readonly dry_run: boolean;
  readonly leaves_verified: number | null;
  readonly keys: boolean;
  readonly second_place: SecondPlaceSeen;
};

function answer(folder: string, examined: ExaminedBackup, { dry_run, leaves_verified, keys, second_place }: Outcome) {
  return {
    document: asDocument('BackupRestore', {
      dry_run,
      state_dir: folder,
      ...described(examined),
      private_keys: keys,
      leaves_verified,
      second_place,
      next: nextSteps(folder, examined, keys, second_place),
    }),
    names: [folder],
  };
}

type Step = { readonly command: string; readonly why: string };

/** What has to be done before it serves, in this order. */
function nextSteps(folder: string, { manifest }: ExaminedBackup, keys: boolean, { holds, path }: SecondPlaceSeen): Step[] {
  const steps: Step[] = [];
  if (!keys) {
    const command = `install -m 600 KEYS/*.key KEYS/operator.apikey ${join(folder, 'keys')}/`;
    steps.push({ command, why: 'the private keys that were put away: without them the log can be verified, and never go on' });
  }
  if (holds === 'something-else') steps.push({ command: `mv ${path} ${path}.other`, why: 'it holds no checkpoint of this log' });
  if (holds !== 'older') {
    steps.push({
      command: `govd log adopt --state-dir ${folder} --reason "restored ${manifest.backup_id} of ${manifest.created_at}"`,
      why: 'more may have been signed than was restored: the log goes on only where somebody declares it, on record',
    });
  }
  steps.push({ command: `govd run --state-dir ${folder}`, why: 'serves it' });
  steps.push({
    command: `govctl --config ${join(folder, 'govctl.yaml')} reconcile`,
    why: 'finds what the restore lost: content, pointers, handoff',
  });
  return steps;
}

function cliConfig(folder: string): string {
  return stringify({
    apiVersion: 'govctl/v1',
    kind: 'CliConfig',
    current_context: 'local',
    contexts: {
      local: {
        socket: join(folder, 'govd.sock'),
        api_key_file: join(folder, 'keys', 'operator.apikey'),
        trust_file: join(folder, 'trust.json'),
      },
    },
  });
}

async function requireSpace(folder: string, { manifest }: ExaminedBackup): Promise<void> {
  const wanted = manifest.objects.bytes + manifest.files.reduce((sum, { size }) => sum + size, 0);
  const free = await freeBytes(folder);
  if (free >= wanted) return;
  const mebibytes = (bytes: number) => Math.ceil(bytes / (1024 * 1024));
  throw new Problem('io', {
    detail: `the backup needs ${mebibytes(wanted)} MiB, and ${mebibytes(free)} are free where ${folder} is`,
    hint: 'name a folder on a larger disk with --state-dir',
  });
}

async function textOf({ body }: TarEntry): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const bytes of body) parts.push(Buffer.from(bytes));
  return Buffer.concat(parts).toString('utf8');
}

/** The disk's faults, in the words of a restore. */
function problemOf(error: unknown, folder: string): unknown {
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined || typeof code !== 'string') return error;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new Problem('io', {
    detail: `${folder} could not be written: ${full ? 'the disk is full' : message}; nothing was restored`,
    hint: full ? 'name a folder on a larger disk with --state-dir' : `ls -ld ${folder}`,
    cause: error,
  });
}
