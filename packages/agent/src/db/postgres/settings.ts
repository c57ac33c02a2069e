import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { Problem } from '@govctl/core/api';
import type { PostgresConfig } from '@govctl/core/config';

/** How one role reaches the server. Passwords come from files, are read at each connect, and stand nowhere else. */
export type PostgresSettings = {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly schema: string;
  readonly user: string;
  readonly readPassword: () => string | undefined;
  readonly ssl: ConnectionOptions | false;
};

type Role = { readonly user: string; readonly password_file?: string | undefined };

/**
 * The settings of the daemon's role, or of the owner's (`govd migrate`), from the configuration. Relative paths are relative to
 * the state folder.
 */
export function postgresSettings(config: PostgresConfig, root: string, role: Role = config): PostgresSettings {
  const { host, port, database, schema, tls } = config;
  const file = (path: string | undefined) => (path === undefined ? undefined : resolve(root, path));
  const passwordFile = file(role.password_file);
  return {
    host,
    port,
    database,
    schema,
    user: role.user,
    readPassword: () => (passwordFile === undefined ? undefined : readSecret(passwordFile)),
    ssl:
      tls === undefined
        ? false
        : {
            rejectUnauthorized: true,
            ca: readOptional(file(tls.ca_file)),
            cert: readOptional(file(tls.cert_file)),
            key: readOptional(file(tls.key_file)),
            ...(tls.server_name === undefined ? {} : { servername: tls.server_name }),
          },
  };
}

function readOptional(path: string | undefined): string | undefined {
  return path === undefined ? undefined : readText(path);
}

function readSecret(path: string): string {
  const password = readText(path).replace(/\r?\n$/, '');
  if (password === '')
    throw new Problem('unavailable', { detail: `${path} is empty`, hint: 'put the password into it, on one line (mode 0600)' });
  return password;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Problem('unavailable', {
      detail: `${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`,
      hint: 'name a file that govd may read under store.postgres in govd.yaml',
      cause,
    });
  }
}
