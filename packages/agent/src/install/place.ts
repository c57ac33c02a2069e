import { join, resolve } from 'node:path';

/** Where an installation lies, under `/` or under the root of an image. Units name these paths, so they are fixed. */
export type Place = {
  readonly root: string;
  /** Path of this machine for a path of the installation. */
  at(path: string): string;
};

export function placeIn(root: string): Place {
  const absolute = resolve(root);
  return { root: absolute, at: (path) => join(absolute, path) };
}

export const paths = {
  library: '/usr/local/lib/govd',
  program: '/usr/local/lib/govd/program',
  /** What the installation wrote, with digests: what it may replace and take away. */
  record: '/usr/local/lib/govd/installed.json',
  state: '/var/lib/govd',
  config: '/etc/govd/govd.yaml',
  cliConfig: '/etc/govd/govctl.yaml',
  trust: '/etc/govd/trust.json',
  operatorKey: '/etc/govd/operator.apikey',
  credentials: '/etc/govd/credentials',
  configFolder: '/etc/govd',
  runtime: '/run/govd',
  operatorSocket: '/run/govd/govd.sock',
  adminSocket: '/run/govd/admin.sock',
} as const;

export const units = ['govd.service', 'govd.socket', 'govd-admin.socket'] as const;
export const owner = 'govd';
export const groups = ['govctl', 'govctl-admin'] as const;
