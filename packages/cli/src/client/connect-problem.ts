import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Problem } from '@govctl/core/api';
import type { Target } from '../context/target.ts';

type ErrnoLike = Error & { code?: string; errors?: readonly Error[] };

const tlsCodes = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/** Tells apart why a daemon was not reached, each with the command that mends it. */
export async function connectProblem(error: unknown, target: Target): Promise<Problem> {
  const cause = error as ErrnoLike;
  const code = cause.code ?? (cause.errors?.[0] as ErrnoLike | undefined)?.code ?? '';
  return 'socket' in target.endpoint ? socketProblem(code, target.endpoint.socket, cause) : urlProblem(code, target.endpoint.url, cause);
}

async function socketProblem(code: string, socket: string, cause: Error): Promise<Problem> {
  const packaged = socket.startsWith('/run/');
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new Problem('not-started', {
      detail: `there is no socket ${socket}: govd is not running, or listens elsewhere`,
      hint: packaged ? 'systemctl start govd' : `govd run --state-dir ${dirname(socket)}`,
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const closedFolder = await access(dirname(socket), constants.X_OK).then(
      () => false,
      () => true,
    );
    return new Problem('not-permitted', {
      detail: closedFolder ? `this user may not enter ${dirname(socket)}` : `this user may not open ${socket}`,
      // The group only counts after a new login: the line people miss.
      hint: packaged ? 'sudo usermod -aG govd-operators "$USER", then log in again' : `run as the owner of ${socket}: ls -l ${socket}`,
      cause,
    });
  }
  if (code === 'ECONNREFUSED' || code === 'ENOTSOCK') {
    const isSocket = await stat(socket).then(
      (found) => found.isSocket(),
      () => false,
    );
    if (!isSocket) return new Problem('usage', { detail: `${socket} is not a socket`, hint: 'govctl context show', cause });
    return new Problem('stale-socket', {
      detail: `${socket} is left over from a govd that no longer runs`,
      hint: packaged ? 'systemctl restart govd' : `govd run --state-dir ${dirname(socket)}`,
      cause,
    });
  }
  if (code === 'ENAMETOOLONG' || /path.*too long/i.test(cause.message) || Buffer.byteLength(socket) > 107) {
    return new Problem('usage', {
      detail: `the socket path is longer than the 107 bytes the system allows: ${socket}`,
      hint: 'use a shorter --state-dir',
      cause,
    });
  }
  return new Problem('unreachable', { detail: `govd at ${socket} cannot be reached: ${cause.message}`, hint: 'govctl doctor', cause });
}

function urlProblem(code: string, url: string, cause: Error): Problem {
  if (tlsCodes.test(code)) {
    return new Problem('unreachable', {
      detail: `${url} does not prove who it is: ${cause.message} (${code})`,
      hint: 'check ca_file, cert_file and server_name of the context: govctl context show',
      cause,
    });
  }
  if (code === 'ECONNREFUSED')
    return new Problem('not-started', {
      detail: `nothing listens at ${url}`,
      hint: 'start govd there, or check the address: govctl context show',
      cause,
    });
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new Problem('unreachable', { detail: `the name in ${url} cannot be resolved`, hint: 'govctl context show', cause });
  return new Problem('unreachable', { detail: `${url} cannot be reached: ${cause.message}`, hint: 'govctl doctor', cause });
}
