import { createPublicKey, randomBytes } from 'node:crypto';
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Problem } from '@govctl/core/api';
import { type GovdConfig, type PostgresConfig, validateConfig } from '@govctl/core/config';
import { enrolPublicKey, rawPublicKey, trustOf } from '@govctl/core/evidence';
import { type Grant, sourceTypeOf } from '@govctl/core/identity';
import { stringify } from 'yaml';
import { birthsMigrations, migrate, openSqlite, quoted, sqliteMigrations } from '../db/index.ts';
import { secondPlacePath } from '../evidence/second-place-path.ts';
import { hashSecret } from '../identity/authenticate.ts';
import { asOwner, migrateSchemas } from '../store/schema.postgres.ts';
import { writeFileDurably } from './durable-file.ts';
import { createKeys, loadKeys } from './key-file.ts';
import { withSecretPaths } from './secret.ts';
import { type StateDir, stateDir } from './state-dir.ts';

export type InitOptions = {
  readonly root: string;
  /** File with a configuration to start from. */
  readonly config?: string | undefined;
  readonly environment?: string | undefined;
  /** Name of the log, in every checkpoint for ever. */
  readonly origin?: string | undefined;
  readonly operator: string;
  /** Folder of credentials, where the configuration has passwords come from systemd. */
  readonly credentials?: string | undefined;
  readonly now: () => string;
};

const everything: Grant[] = [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }];

/**
 * Makes a state folder: keys (0600, one per purpose), databases, the pinned trust root, an operator's API key and a CLI
 * configuration that reaches this daemon. Refuses a folder that has something in it: a key made twice is evidence lost.
 *
 * @throws Problem `conflict`, `io`
 */
export async function initStateDir(options: InitOptions): Promise<StateDir> {
  const dir = stateDir(options.root);
  const { text, config } = initialConfig(options);
  if (sourceTypeOf(options.operator) !== 'HUMAN')
    throw new Problem('usage', { detail: 'the operator of a new deployment is a person', hint: '--operator HUMAN::<id>' });
  let empty = false;
  try {
    mkdirSync(dir.root, { recursive: true, mode: 0o700 });
    if (readdirSync(dir.root).length > 0) {
      const ours = existsSync(dir.trust);
      throw new Problem('conflict', {
        detail: ours ? `${dir.root} is a state folder already; its keys are not made twice` : `${dir.root} is not empty`,
        hint: ours ? `govd run --state-dir ${dir.root}` : 'name a new folder',
      });
    }
    empty = true;
    chmodSync(dir.root, 0o700);
    demandSecondPlace(secondPlacePath(dir, config));
    mkdirSync(dir.keys, { mode: 0o700 });
    mkdirSync(dir.objects, { mode: 0o700 });
    createKeys(dir.keys);
    await initStore(dir, config, options);
    writeTrust(dir, config.log.origin);
    writeFileDurably(dir.config, text, 0o600);
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
    // Half a state folder is worth nothing, and would stand in the way of the next attempt.
    if (empty) for (const name of readdirSync(dir.root)) rmSync(join(dir.root, name), { recursive: true, force: true });
    if (cause instanceof Problem) throw cause;
    throw new Problem('io', {
      detail: `${dir.root} could not be prepared: ${(cause as Error).message}`,
      hint: 'check the permissions of the folder and the space on its disk',
      cause,
    });
  }
}

/** A daemon that cannot keep its checkpoints stops signing after seconds: better said now. */
function demandSecondPlace(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new Problem('usage', {
      detail: `log.second_place: no file can be made in ${dirname(path)}: ${(cause as Error).message}`,
      hint: `mkdir -p ${dirname(path)}`,
      cause,
    });
  }
}

/** The configuration of the new deployment, which the daemon will accept: what it would refuse is refused before a key is made. */
function initialConfig(options: InitOptions): { readonly text: string; readonly config: GovdConfig } {
  const text = configText(options);
  const validated = validateConfig(text);
  const problems = validated.ok ? [] : validated.problems;
  if (validated.ok && validated.value.kind === 'GovdConfig')
    return { text, config: withSecretPaths(validated.value.config, options.credentials ?? process.env.CREDENTIALS_DIRECTORY) };
  throw new Problem('usage', {
    detail: problems.map((problem) => problem.message).join('; ') || 'this is no GovdConfig',
    hint: 'govd init --state-dir D makes a local_parity deployment',
    reasons: problems.map((problem) => ({ path: problem.path, message: problem.message })),
  });
}

function configText({ config, environment, origin }: InitOptions): string {
  const said = {
    ...(environment === undefined ? {} : { environment }),
    ...(origin === undefined ? {} : { log: { origin } }),
  };
  if (config !== undefined) {
    if (Object.keys(said).length > 0)
      throw new Problem('usage', {
        detail: 'with --config, the environment and the origin stand in the file',
        hint: 'leave --environment and --origin out',
      });
    return readConfigFile(config);
  }
  return stringify({
    apiVersion: 'govctl/v1',
    kind: 'GovdConfig',
    environment: 'local_parity',
    log: { origin: 'govctl.local/log' },
    ...said,
  });
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Problem('usage', {
      detail: `${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? ''}`,
      hint: '--config FILE',
      cause,
    });
  }
}

type FirstKey = {
  readonly key_id: string;
  readonly actor_id: string;
  readonly secret_hash: string;
  readonly grants: string;
  readonly created_at: string;
};

const insertKey = `INSERT INTO api_key (key_id, actor_id, secret_hash, grants, created_at, created_by)
  VALUES (:key_id, :actor_id, :secret_hash, :grants, :created_at, 'SYSTEM::govd-init')`;

/** Tables, and the first operator's key: before there is a daemon that could be asked for one. */
async function initStore(dir: StateDir, config: GovdConfig, { operator, now }: InitOptions): Promise<void> {
  const secret = randomBytes(32).toString('base64url');
  const key = {
    key_id: newKeyId(),
    actor_id: operator,
    secret_hash: hashSecret(secret),
    grants: JSON.stringify(everything),
    created_at: now(),
  };
  const { postgres } = config.store;
  if (postgres === undefined) initDatabases(dir, key, now);
  else await initSchemas(dir, config, postgres, key, now);
  writeFileDurably(dir.operatorKey, `govk_${key.key_id}_${secret}\n`, 0o600);
}

function initDatabases(dir: StateDir, key: FirstKey, now: () => string): void {
  const govd = openSqlite(dir.database);
  const births = openSqlite(dir.births);
  try {
    migrate(govd, sqliteMigrations, now);
    migrate(births, birthsMigrations, now);
    govd.prepare(insertKey).run(key);
  } finally {
    govd.close();
    births.close();
  }
}

async function initSchemas(dir: StateDir, config: GovdConfig, postgres: PostgresConfig, key: FirstKey, now: () => string): Promise<void> {
  await migrateSchemas(config, postgres, dir.root, { check: false, now });
  await asOwner(postgres, dir.root, async (session) => {
    const { rows } = await session.run<{ keys: number }>(`SELECT count(*) AS keys FROM ${quoted(postgres.schema)}.api_key`);
    if ((rows[0]?.keys ?? 0) > 0)
      throw new Problem('conflict', {
        detail: `the schema ${postgres.schema} in ${postgres.database} belongs to a deployment already`,
        hint: "another host of it gets a copy of that deployment's state folder (keys, trust.json, govd.yaml), not keys of its own",
      });
    await session.run(`SET search_path = ${quoted(postgres.schema)}, pg_temp`);
    await session.run(insertKey, key);
  });
}

function newKeyId(): string {
  return randomBytes(6).toString('hex');
}

function writeTrust(dir: StateDir, origin: string): void {
  const keys = loadKeys({ folder: dir.keys, guardedBy: 'mode' });
  const trusted = (['decision', 'log', 'capability', 'token'] as const).map((purpose) => ({
    ...enrolPublicKey(rawPublicKey(createPublicKey(keys[purpose]).export({ type: 'spki', format: 'der' }))),
    purpose,
    role: 'governance',
    from_index: 0,
    to_index: null,
  }));
  writeFileDurably(dir.trust, `${JSON.stringify(trustOf(origin, trusted), null, 2)}\n`, 0o644);
}
