import { Problem } from '@govctl/core/api';

/** The first file descriptor that a supervisor hands over (sd_listen_fds(3)). */
const firstFd = 3;
const known = ['operator', 'admin'] as const;

export type ActivatedSockets = { readonly [Name in (typeof known)[number]]?: number };

/**
 * Listening sockets that systemd opened for this process: they outlive it, so connections wait while it restarts. Descriptors
 * meant for another process (`LISTEN_PID`) are not ours.
 *
 * @throws Problem `usage` for a socket whose name says nothing: it would accept connections that nobody answers
 */
export function activatedSockets(env: NodeJS.ProcessEnv, pid: number): ActivatedSockets {
  if (env.LISTEN_PID !== String(pid)) return {};
  const count = Number.parseInt(env.LISTEN_FDS ?? '', 10);
  if (!(count > 0)) return {};
  const names = env.LISTEN_FDNAMES?.split(':') ?? [];
  const found: Record<string, number> = {};
  for (let index = 0; index < count; index += 1) {
    // A single socket without a name can only be meant for operators.
    const given = names[index] ?? 'unknown';
    const name = count === 1 && (given === 'unknown' || given === 'govd.socket') ? 'operator' : given;
    if (!(known as readonly string[]).includes(name) || found[name] !== undefined)
      throw new Problem('usage', {
        detail: `systemd handed over a socket named ${JSON.stringify(given)}; govd knows ${known.join(' and ')}, once each`,
        hint: 'FileDescriptorName=operator in govd.socket, FileDescriptorName=admin in govd-admin.socket; govd install writes both',
      });
    found[name] = firstFd + index;
  }
  return found;
}
