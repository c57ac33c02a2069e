import { isAbsolute, join } from 'node:path';
import { Problem } from '@govctl/core/api';
import type { GovdConfig } from '@govctl/core/config';
import type { StateDir } from './state-dir.ts';

/** Where private keys are read. Files of our own must be closed to others; credentials are closed by systemd, with an ACL. */
export type KeyPlace = { readonly folder: string; readonly guardedBy: 'mode' | 'systemd' };

/**
 * One provider of secrets a deployment.
 * @throws Problem `unavailable` when credentials are configured and systemd gave none
 */
export function keyPlace(dir: StateDir, config: GovdConfig, credentials: string | undefined): KeyPlace {
  if (config.secrets.provider === 'files') return { folder: dir.keys, guardedBy: 'mode' };
  return { folder: credentialFolder(credentials), guardedBy: 'systemd' };
}

/** Passwords and secrets of the configuration as paths. Credentials are named without a folder: what else the file system has is not asked. */
export function withSecretPaths(config: GovdConfig, credentials: string | undefined): GovdConfig {
  if (config.secrets.provider === 'files') return config;
  const listeners = withTlsKey(config.listeners, credentials);
  return withPassword({ ...config, listeners, webhooks: withSecrets(config.webhooks, credentials) }, credentials);
}

function withTlsKey(listeners: GovdConfig['listeners'], credentials: string | undefined): GovdConfig['listeners'] {
  const { fetch } = listeners;
  if (fetch?.tls === undefined) return listeners;
  const key_file = credentialPath(fetch.tls.key_file, credentials, 'listeners.fetch.tls.key_file');
  return { ...listeners, fetch: { ...fetch, tls: { ...fetch.tls, key_file } } };
}

function withSecrets(webhooks: GovdConfig['webhooks'], credentials: string | undefined): GovdConfig['webhooks'] {
  const endpoints = webhooks.endpoints.map((one) => ({ ...one, secret_file: credentialPath(one.secret_file, credentials, 'secret_file') }));
  return { ...webhooks, endpoints };
}

function withPassword(config: GovdConfig, credentials: string | undefined): GovdConfig {
  const { postgres } = config.store;
  if (postgres === undefined) return config;
  const placed = <Role extends { readonly password_file?: string | undefined }>(role: Role): Role =>
    role.password_file === undefined ? role : { ...role, password_file: credentialPath(role.password_file, credentials, 'password_file') };
  const owner = postgres.owner === undefined ? {} : { owner: placed(postgres.owner) };
  return { ...config, store: { ...config.store, postgres: { ...placed(postgres), ...owner } } };
}

function credentialPath(name: string, credentials: string | undefined, setting: string): string {
  if (isAbsolute(name) || name.includes('/') || name.startsWith('.'))
    throw new Problem('usage', {
      detail: `${setting} ${JSON.stringify(name)} is a path, and secrets.provider is systemd`,
      hint: 'name the credential, and put LoadCredential=NAME:FILE into a drop-in: systemctl edit govd.service',
    });
  return join(credentialFolder(credentials), name);
}

function credentialFolder(credentials: string | undefined): string {
  if (credentials !== undefined && isAbsolute(credentials)) return credentials;
  throw new Problem('unavailable', {
    detail: 'secrets.provider is systemd, and systemd handed over no credentials (CREDENTIALS_DIRECTORY is not set)',
    hint: 'start it by systemd: systemctl start govd.service',
  });
}
