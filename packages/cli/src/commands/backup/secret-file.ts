import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Problem } from '@govctl/core/api';
import { backupSecretFiles, isKeyOf } from '@govctl/core/backup';
import type { TrustRoot } from '@govctl/core/evidence';

export type SecretFile = { readonly name: string; readonly bytes: Buffer };

const longest = 16 * 1024;

/**
 * Private keys of a folder, and the operator's API key where it lies there.
 * @throws Problem `usage` when a key cannot be read
 */
export async function readSecrets(folder: string): Promise<readonly SecretFile[]> {
  const found: SecretFile[] = [];
  for (const name of backupSecretFiles) {
    const path = join(folder, basename(name));
    const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' && name.endsWith('.apikey')) return undefined;
      throw new Problem('usage', {
        detail: `the private key ${path} cannot be read: ${cause.code === 'ENOENT' ? 'there is no such file' : cause.message}`,
        hint: `name the folder that has all of them, as a user who may read it: ls -l ${folder}`,
        cause,
      });
    });
    if (bytes !== undefined && bytes.length <= longest) found.push({ name, bytes });
  }
  return found;
}

/** @throws Problem `integrity` when a key is not one that verifiers of this deployment trust */
export function requireOwnSecrets(secrets: readonly SecretFile[], trust: TrustRoot): void {
  for (const { name, bytes } of secrets) {
    if (name.endsWith('.apikey') || isKeyOf(basename(name, '.key'), bytes, trust)) continue;
    throw new Problem('integrity', {
      detail: `${name} is not a key of this deployment: what it signs would not verify`,
      hint: 'name the keys folder of the deployment that the backup is of',
    });
  }
}
