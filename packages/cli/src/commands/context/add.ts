import { chmod, copyFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { Problem, readAs, reasonsOf } from '@govctl/core/api';
import { type CliContext, cliConfigSchema } from '@govctl/core/config';
import { loadTrust } from '@govctl/core/evidence';
import type { Run } from '../../command.ts';
import { readConfigFile, writeConfigFile } from '../../context/config-file.ts';
import { asDocument } from '../../output/result.ts';
import type { contextAdd } from './declaration.ts';

export const run: Run<typeof contextAdd> = async ({ globals, env, cwd, io }, { name }, flags) => {
  const file = await readConfigFile(globals.config, env, cwd);
  if (Object.hasOwn(file.config.contexts, name) && !flags.replace) {
    throw new Problem('conflict', { detail: `${file.path} has a context ${name} already`, hint: 'choose another name, or give --replace' });
  }
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(cwd, path));
  const tls = defined({
    ca_file: absolute(flags.caFile),
    cert_file: absolute(flags.certFile),
    key_file: absolute(flags.keyFile),
    server_name: flags.serverName,
  });
  const trust = flags.trustFile === undefined ? undefined : await readTrust(resolve(cwd, flags.trustFile));
  const context: CliContext = defined({
    socket: absolute(globals.socket),
    url: flags.url,
    api_key_file: absolute(flags.apiKeyFile),
    trust_file: trust === undefined ? undefined : join('trust', `${name}.json`),
    tls: Object.keys(tls).length === 0 ? undefined : tls,
    tenant: flags.tenant,
  });
  const config = {
    ...file.config,
    ...(flags.use || file.config.current_context === undefined ? { current_context: name } : {}),
    contexts: { ...file.config.contexts, [name]: context },
  };
  const checked = readAs(cliConfigSchema, config);
  if (!checked.ok) {
    throw new Problem('usage', {
      detail: 'these flags make no context',
      hint: `govctl context add ${name} --socket PATH, or --url https://HOST:PORT`,
      reasons: reasonsOf(checked.faults),
    });
  }

  if (trust !== undefined) {
    const pinned = join(dirname(file.path), 'trust', `${name}.json`);
    await mkdir(dirname(pinned), { recursive: true, mode: 0o700 });
    if (relative(pinned, trust.path) !== '') await copyFile(trust.path, pinned);
    await chmod(pinned, 0o600);
  } else await io.warn('no trust root is pinned: evidence of this daemon cannot be verified until --trust-file is given');
  await writeConfigFile(file.path, checked.value);
  const keys = (trust?.root.keys ?? []).map(({ purpose, role, keyid }) => ({ purpose, role, keyid }));
  return {
    document: asDocument('ContextAdd', {
      name,
      config: file.path,
      current: config.current_context === name,
      log_origin: trust?.root.origin ?? null,
      pinned_keys: keys,
    }),
    names: [name],
  };
};

async function readTrust(path: string) {
  const text = await readFile(path, 'utf8');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new Problem('untrusted-keys', { detail: `${path} is not JSON`, hint: 'give the trust.json of the state folder', cause });
  }
  return { path, root: loadTrust(document) };
}

function defined<T extends Record<string, unknown>>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
