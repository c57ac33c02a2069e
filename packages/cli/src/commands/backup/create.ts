import { resolve } from 'node:path';
import { backupBytesHeader } from '@govctl/core/api';
import { backupHeaderFile, examineBackup } from '@govctl/core/backup';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import { archiveWriter } from './archive-writer.ts';
import { backupTrust } from './backup-trust.ts';
import type { backupCreate } from './declaration.ts';
import { described } from './described.ts';
import { readSecrets, requireOwnSecrets } from './secret-file.ts';

/** Nothing ends it but the connection: it takes as long as there is to copy. */
const patience = { timeoutMs: 24 * 60 * 60 * 1000 };

export const run: Run<typeof backupCreate> = async (context, _args, flags) => {
  const { client, io, cwd, now } = context;
  const path = resolve(cwd, flags.out);
  const secrets = flags.privateKeys === undefined ? [] : await readSecrets(resolve(cwd, flags.privateKeys));
  const trust = await backupTrust(context, flags.trust);
  const file = await archiveWriter(path, now().getTime());
  const progress = await io.progress('govd copies its databases');
  try {
    const { headers, body } = await client.download('backup.create', { body: {} }, patience);
    const total = Number(headers[backupBytesHeader]);
    progress.phase(`writing ${flags.out}`);
    const examined = await examineBackup(body, {
      trust,
      async take(entry) {
        await file.entry(entry);
        if (entry.name !== backupHeaderFile) return;
        for (const { name, bytes } of secrets) await file.entry({ name, size: bytes.length, body: once(bytes) });
      },
      onBytes: (done) => progress.update({ done, unit: 'bytes', ...(total >= done ? { total } : {}) }),
    });
    requireOwnSecrets(secrets, examined.trust);
    const written = await file.finish();
    await progress.done(`${flags.out}: ${written.bytes} bytes`);
    const { lacks } = examined.manifest;
    if (lacks.count > 0) await io.warn(`govd itself lacks ${lacks.count} objects that snapshots name: govctl reconcile shows them`);
    if (secrets.length > 0) await io.warn(`${flags.out} holds the private keys: whoever has it can sign as this deployment`);
    return {
      document: asDocument('Backup', {
        file: path,
        bytes: written.bytes,
        sha256: written.sha256,
        ...described(examined),
        private_keys: secrets.length > 0,
      }),
      names: [path],
      ...(lacks.count > 0 ? { exit: 'findings' as const } : {}),
    };
  } catch (error) {
    await file.abandon();
    await progress.fail();
    throw error;
  }
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
