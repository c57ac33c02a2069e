import { join, resolve } from 'node:path';

/** Where everything of a deployment lies, under one folder that only its owner may enter. */
export type StateDir = {
  readonly root: string;
  readonly config: string;
  readonly database: string;
  readonly births: string;
  readonly instanceLock: string;
  readonly objects: string;
  readonly keys: string;
  readonly trust: string;
  readonly cliConfig: string;
  readonly operatorKey: string;
  readonly socket: string;
  /** The last signed checkpoint, where the configuration names no better place. */
  readonly checkpoint: string;
  /** What was rolled back and could not be recorded yet. */
  readonly undone: string;
  /** Copies of the databases while a backup is made of them. */
  readonly backupDraft: string;
};

/** Absolute whatever was given: the paths are written into files that are read from elsewhere. */
export function stateDir(given: string): StateDir {
  const root = resolve(given);
  return {
    root,
    config: join(root, 'govd.yaml'),
    database: join(root, 'govd.db'),
    births: join(root, 'births.db'),
    instanceLock: join(root, 'govd.lock'),
    objects: join(root, 'objects'),
    keys: join(root, 'keys'),
    trust: join(root, 'trust.json'),
    cliConfig: join(root, 'govctl.yaml'),
    operatorKey: join(root, 'keys', 'operator.apikey'),
    socket: join(root, 'govd.sock'),
    checkpoint: join(root, 'checkpoint'),
    undone: join(root, 'undone.json'),
    backupDraft: join(root, '.backup'),
  };
}
