import { readFileSync } from 'node:fs';
import { chmod, mkdir, open, rename, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import { type CliConfig, emptyCliConfig, readCliConfig } from '@govctl/core/config';

export type Env = Readonly<Record<string, string | undefined>>;

/** The CLI configuration as read, with the file it came from; `exists` is false where there is none and none was named. */
export type ConfigFile = {
  readonly path: string;
  readonly named_by: 'flag' | 'environment' | 'default';
  readonly exists: boolean;
  readonly config: CliConfig;
};

/** `--config`, then GOVCTL_CONFIG, then `$XDG_CONFIG_HOME/govctl/config.yaml`. */
export function configPath(flag: string | undefined, env: Env, cwd: string): Pick<ConfigFile, 'path' | 'named_by'> {
  if (flag !== undefined) return { path: resolve(cwd, flag), named_by: 'flag' };
  if (env.GOVCTL_CONFIG !== undefined && env.GOVCTL_CONFIG !== '')
    return { path: resolve(cwd, env.GOVCTL_CONFIG), named_by: 'environment' };
  // XDG: a relative base directory is invalid and to be ignored.
  const base = env.XDG_CONFIG_HOME?.startsWith('/') === true ? env.XDG_CONFIG_HOME : join(env.HOME ?? homedir(), '.config');
  return { path: join(base, 'govctl', 'config.yaml'), named_by: 'default' };
}

/** @throws Problem `usage` when the file is missing though named, unreadable or invalid (all errors, each with its line) */
export async function readConfigFile(flag: string | undefined, env: Env, cwd: string): Promise<ConfigFile> {
  const where = configPath(flag, env, cwd);
  let text: string;
  try {
    text = readFileSync(where.path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && where.named_by === 'default') return { ...where, exists: false, config: emptyCliConfig };
    throw new Problem('usage', {
      detail: `the configuration ${where.path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
      hint:
        where.named_by === 'flag'
          ? 'correct --config'
          : where.named_by === 'environment'
            ? 'correct or unset GOVCTL_CONFIG'
            : `check the permissions of ${where.path}`,
      cause: error,
    });
  }
  const config = readCliConfig(text);
  if (config !== undefined) return { ...where, exists: true, config };
  const { configProblem } = await import('./config-problem.ts');
  throw configProblem(where.path, text);
}

/** Writes it whole or not at all, readable by its owner only: it says which keys are used. */
export async function writeConfigFile(path: string, config: CliConfig): Promise<void> {
  const { formatYaml } = await import('../output/yaml.ts');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(formatYaml(config));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await chmod(temporary, 0o600);
  await rename(temporary, path);
}

/** Others can read it: worth a warning from doctor, as ssh does for keys. */
export async function isPrivate(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o077) === 0;
}
