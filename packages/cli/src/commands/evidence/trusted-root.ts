import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { publicKeyPem, sigstoreTrustedRoot } from '@govctl/core/evidence';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { evidenceTrustedRoot } from './declaration.ts';
import { pinnedTrust } from './pinned-trust.ts';
import { asBytes, writeWhole } from './write-file.ts';

/** Opens no connection: the root that comes from the daemon it is about would prove nothing. */
export const run: Run<typeof evidenceTrustedRoot> = async (context, _args, { out, keys, trust }) => {
  const { cwd } = context;
  const root = await pinnedTrust(context, trust);
  const bytes = Buffer.from(`${JSON.stringify(sigstoreTrustedRoot(root), null, 2)}\n`);
  const key_files: string[] = [];
  if (keys !== undefined) {
    await mkdir(resolve(cwd, keys), { recursive: true });
    for (const key of root.keys) {
      if (key.purpose !== 'decision') continue;
      key_files.push(await writeWhole(cwd, join(keys, `${key.keyid}.pem`), Buffer.from(publicKeyPem(key))));
    }
  }
  if (out === '-') return { bytes: asBytes(bytes) };
  const file = await writeWhole(cwd, out, bytes);
  return { document: asDocument('TrustedRoot', { file, origin: root.origin, key_files }), names: [file, ...key_files] };
};
