import { chmodSync, existsSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { type Listener, Problem } from '@govctl/core/api';
import type { GovdConfig } from '@govctl/core/config';
import type { HttpServer } from './server.ts';

/** A place to listen, and the classes of routes that are served there. */
export type Endpoint = {
  readonly name: 'operator' | 'admin';
  readonly at: { readonly path: string; readonly mode: number } | { readonly fd: number };
  readonly serves: ReadonlySet<Listener>;
  readonly elsewhere: ReadonlyMap<Listener, string>;
};

const operators = ['operator', 'public', 'internal'] as const;
const useAdmin = 'use the context of the admin socket (its group is govctl-admin): govctl context ls';

/**
 * Where to listen: at what was handed over, else where the configuration says. With an admin socket, what says who may do what is
 * served there alone: a stolen key is not enough then, the caller must be in the socket's group too.
 */
export function endpointsOf(
  listeners: GovdConfig['listeners'],
  activated: { readonly operator?: number; readonly admin?: number },
  defaultPath: string,
): readonly Endpoint[] {
  const placed = (fd: number | undefined, path: string, mode: string): Endpoint['at'] =>
    fd === undefined ? { path, mode: Number.parseInt(mode, 8) } : { fd };
  const { operator, admin } = listeners;
  const separate = activated.admin !== undefined || admin !== undefined;
  const first: Endpoint = {
    name: 'operator',
    at: placed(activated.operator, operator.socket ?? defaultPath, operator.mode),
    serves: new Set(separate ? operators : [...operators, 'admin' as const]),
    elsewhere: new Map(separate ? [['admin' as const, useAdmin] as const] : []),
  };
  if (!separate) return [first];
  const at = placed(activated.admin, admin?.socket ?? '', admin?.mode ?? '0600');
  return [first, { name: 'admin', at, serves: new Set([...operators, 'admin' as const]), elsewhere: new Map() }];
}

/** What a person is told about where it listens. */
export function placeOf({ name, at }: Endpoint): string {
  return 'fd' in at ? `${name} socket of systemd` : at.path;
}

export async function listenAt(http: HttpServer, { at }: Endpoint): Promise<void> {
  if ('fd' in at) return await http.listen(at);
  await clearStaleSocket(at.path);
  await http.listen({ path: at.path });
  chmodSync(at.path, at.mode);
}

/** A socket file outlives a killed daemon. It is removed only when nobody answers behind it, and only when it is a socket. */
async function clearStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  if (!statSync(path).isSocket())
    throw new Problem('usage', { detail: `${path} exists and is not a socket`, hint: 'remove it, or choose another socket path' });
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (answered) throw new Problem('locked', { detail: `another daemon answers on ${path}`, hint: 'stop it first' });
  rmSync(path, { force: true });
}
