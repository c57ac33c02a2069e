import { open, unlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { apikeyAdd } from './declaration.ts';

export const run: Run<typeof apikeyAdd> = async ({ client, now, cwd, io }, _args, flags) => {
  const orElse = (given: string[], fallback: string) => (given.length === 0 ? [fallback] : given);
  const issue = () =>
    client.call('apikey.add', {
      body: {
        actor_id: flags.actor,
        grants: [{ actions: flags.action, tenants: orElse(flags.tenant, 'default'), datasets: orElse(flags.dataset, '*') }],
        ...(flags.expiresIn === undefined ? {} : { expires_at: new Date(now().getTime() + flags.expiresIn).toISOString() }),
      },
    });
  if (flags.out === undefined) {
    const issued = await issue();
    await io.note('the secret is shown this once: keep it in a file only you can read');
    return { document: issued, names: [issued.key_id] };
  }
  const path = resolve(cwd, flags.out);
  const { secret: _secret, schemaVersion: _version, kind: _kind, ...issued } = await intoNewFile(path, issue);
  return { document: asDocument('IssuedApiKey', { ...issued, secret_file: path }), names: [issued.key_id] };
};

/** The file comes first: a key whose secret cannot be kept must not be issued. */
async function intoNewFile<K extends { readonly secret: string }>(path: string, issue: () => Promise<K>): Promise<K> {
  const handle = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause;
    throw new Problem('conflict', {
      detail: `${path} exists; a secret is not written over anything`,
      hint: 'name a new file with -O',
      cause,
    });
  });
  try {
    const key = await issue();
    await handle.writeFile(`${key.secret}\n`);
    await handle.sync();
    return key;
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}
