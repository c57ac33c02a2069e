import { dirname, join, resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import type { CliContext } from '@govctl/core/config';
import type { GlobalValues } from '../flag.ts';
import { type ConfigFile, type Env, readConfigFile } from './config-file.ts';

/** What decided, in the order it is asked. */
type DecidedBy = 'flag' | 'environment' | 'context' | 'default';

/** The daemon a command talks to, with absolute paths. */
export type Target = {
  readonly endpoint: { readonly socket: string } | { readonly url: string };
  /** Name of the context in use; null when --socket, GOVCTL_SOCKET or the default socket is. */
  readonly context: string | null;
  readonly decided_by: DecidedBy;
  /** What would have counted without the thing that did: a surprise worth showing. */
  readonly overrides: readonly string[];
  readonly config_path: string;
  readonly config_exists: boolean;
  readonly api_key_file: string | null;
  readonly trust_file: string | null;
  readonly tls: {
    readonly ca_file: string | null;
    readonly cert_file: string | null;
    readonly key_file: string | null;
    readonly server_name: string | null;
  };
  readonly tenant: string;
};

const noTls = { ca_file: null, cert_file: null, key_file: null, server_name: null };

/** Where a packaged govd listens. */
export const defaultSocket = '/run/govd/govd.sock';

/** Flag, then environment, then the current context, then the default socket. */
export async function resolveTarget(globals: Pick<GlobalValues, 'context' | 'config' | 'socket'>, env: Env, cwd: string): Promise<Target> {
  return targetOf(await readConfigFile(globals.config, env, cwd), globals, env, cwd);
}

export function targetOf(file: ConfigFile, globals: Pick<GlobalValues, 'context' | 'socket'>, env: Env, cwd: string): Target {
  const { config } = file;
  const candidates = [
    { by: 'flag', as: '--socket', socket: globals.socket },
    { by: 'flag', as: '--context', name: globals.context },
    { by: 'environment', as: 'GOVCTL_SOCKET', socket: set(env.GOVCTL_SOCKET) },
    { by: 'environment', as: 'GOVCTL_CONTEXT', name: set(env.GOVCTL_CONTEXT) },
    { by: 'context', as: `current_context of ${file.path}`, name: config.current_context },
  ] as const;
  const given = candidates.filter((candidate) => ('socket' in candidate ? candidate.socket : candidate.name) !== undefined);
  const [winner, ...others] = given;
  const common = {
    decided_by: winner?.by ?? ('default' as const),
    overrides: others.map((candidate) => candidate.as),
    config_path: file.path,
    config_exists: file.exists,
  };
  const absolute = (path: string | undefined) => (path === undefined ? null : resolve(dirname(file.path), path));

  if (winner === undefined || 'socket' in winner) {
    // Identity comes from the environment here: a context's key is for that context's daemon.
    const key = set(env.GOVCTL_API_KEY_FILE);
    return {
      ...common,
      endpoint: { socket: winner?.socket === undefined ? defaultSocket : resolve(cwd, winner.socket) },
      context: null,
      api_key_file: key === undefined ? null : resolve(cwd, key),
      trust_file: null,
      tls: noTls,
      tenant: 'default',
    };
  }

  const name = winner.name ?? '';
  const context: CliContext | undefined = Object.hasOwn(config.contexts, name) ? config.contexts[name] : undefined;
  if (context === undefined) {
    const names = Object.keys(config.contexts);
    throw new Problem('usage', {
      detail: `${winner.as} names the context ${JSON.stringify(name)}, which ${file.path} does not have${names.length === 0 ? '' : ` (it has ${names.join(', ')})`}`,
      hint: names.length === 0 ? 'govctl context add NAME --socket PATH' : 'govctl context ls',
    });
  }
  const key = set(env.GOVCTL_API_KEY_FILE);
  return {
    ...common,
    endpoint: context.url !== undefined ? { url: context.url } : { socket: join(resolve(dirname(file.path), context.socket ?? '')) },
    context: name,
    api_key_file: key === undefined ? absolute(context.api_key_file) : resolve(cwd, key),
    trust_file: absolute(context.trust_file),
    tls: {
      ca_file: absolute(context.tls?.ca_file),
      cert_file: absolute(context.tls?.cert_file),
      key_file: absolute(context.tls?.key_file),
      server_name: context.tls?.server_name ?? null,
    },
    tenant: context.tenant ?? 'default',
  };
}

function set(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
