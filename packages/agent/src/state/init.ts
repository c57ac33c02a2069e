import { createPublicKey, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { Problem } from '@govctl/core/api';
import { validateConfig } from '@govctl/core/config';
import { enrolPublicKey, rawPublicKey, trustOf } from '@govctl/core/evidence';
import { type Grant, sourceTypeOf } from '@govctl/core/identity';
import { stringify } from 'yaml';
import { birthsMigrations, migrate, openSqlite, sqliteMigrations } from '../db/index.ts';
import { hashSecret } from '../identity/authenticate.ts';
import { writeFileDurably } from './durable-file.ts';
import { createKeys, loadKeys } from './key-file.ts';
import { type StateDir, stateDir } from './state-dir.ts';

export type InitOptions = {
  readonly root: string;
  readonly environment: string;
  /** Name of the log, in every checkpoint for ever. */
  readonly origin: string;
  readonly operator: string;
  readonly now: () => string;
};

const everything: Grant[] = [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }];

/**
 * Makes a state folder: keys (0600, one per purpose), databases, the pinned trust root, an operator's API key and a CLI
 * configuration that reaches this daemon. Refuses a folder that has something in it: a key made twice is evidence lost.
 *
 * @throws Problem `conflict`, `io`
 */
export function initStateDir(options: InitOptions): StateDir {
  const dir = stateDir(options.root);
  const config = configText(options);
  try {
    mkdirSync(dir.root, { recursive: true, mode: 0o700 });
    if (readdirSync(dir.root).length > 0) {
      const ours = existsSync(dir.trust);
      throw new Problem('conflict', {
        detail: ours ? `${dir.root} is a state folder already; its keys are not made twice` : `${dir.root} is not empty`,
        hint: ours ? `govd run --state-dir ${dir.root}` : 'name a new folder',
      });
    }
    chmodSync(dir.root, 0o700);
    mkdirSync(dir.keys, { mode: 0o700 });
    mkdirSync(dir.objects, { mode: 0o700 });
    createKeys(dir.keys);
    initDatabases(dir, options);
    writeTrust(dir, options.origin);
    writeFileDurably(dir.config, config, 0o600);
    writeFileDurably(
      dir.cliConfig,
      stringify({
        apiVersion: 'govctl/v1',
        kind: 'CliConfig',
        current_context: 'local',
        contexts: { local: { socket: dir.socket, api_key_file: dir.operatorKey, trust_file: dir.trust } },
      }),
      0o600,
    );
    return dir;
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('io', {
      detail: `${dir.root} could not be prepared: ${(cause as Error).message}`,
      hint: 'check the permissions of the folder and the space on its disk',
      cause,
    });
  }
}

/** The configuration of the new deployment, which the daemon will accept: what it would refuse is refused before a key is made. */
function configText(options: InitOptions): string {
  const text = stringify({
    apiVersion: 'govctl/v1',
    kind: 'GovdConfig',
    environment: options.environment,
    log: { origin: options.origin },
  });
  const validated = validateConfig(text);
  if (!validated.ok) {
    throw new Problem('usage', {
      detail: validated.problems.map((problem) => problem.message).join('; '),
      hint: 'govd init --state-dir D makes a local_parity deployment',
      reasons: validated.problems.map((problem) => ({ path: problem.path, message: problem.message })),
    });
  }
  return text;
}

function initDatabases(dir: StateDir, options: InitOptions): void {
  const govd = openSqlite(dir.database);
  const births = openSqlite(dir.births);
  try {
    migrate(govd, sqliteMigrations, options.now);
    migrate(births, birthsMigrations, options.now);
    const keyId = newKeyId();
    const secret = randomBytes(32).toString('base64url');
    if (sourceTypeOf(options.operator) !== 'HUMAN')
      throw new Problem('usage', { detail: 'the operator of a new deployment is a person', hint: '--operator HUMAN::<id>' });
    govd
      .prepare('INSERT INTO api_key (key_id, actor_id, secret_hash, grants, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)')
      .run(keyId, options.operator, hashSecret(secret), JSON.stringify(everything), options.now(), 'SYSTEM::govd-init');
    writeFileDurably(dir.operatorKey, `govk_${keyId}_${secret}\n`, 0o600);
  } finally {
    govd.close();
    births.close();
  }
}

function newKeyId(): string {
  return randomBytes(6).toString('hex');
}

function writeTrust(dir: StateDir, origin: string): void {
  const keys = loadKeys(dir.keys);
  const trusted = (['decision', 'log', 'capability', 'token'] as const).map((purpose) => ({
    ...enrolPublicKey(rawPublicKey(createPublicKey(keys[purpose]).export({ type: 'spki', format: 'der' }))),
    purpose,
    role: 'governance',
    from_index: 0,
    to_index: null,
  }));
  writeFileDurably(dir.trust, `${JSON.stringify(trustOf(origin, trusted), null, 2)}\n`, 0o644);
}
