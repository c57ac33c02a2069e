import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import { type ConfigValue, validateConfig } from '@govctl/core/config';
import type { CommandContext } from '../../command.ts';
import { configPath } from '../../context/config-file.ts';
import { counted } from '../../output/counted.ts';

const limit = 1024 * 1024;

export type ReadConfig = { readonly file: string; readonly text: string; readonly value: ConfigValue };

/**
 * A configuration file that is valid.
 * @throws Problem `usage` with every error, each with its place
 */
export async function readConfig({ io, globals, env, cwd }: CommandContext, given: string | undefined): Promise<ReadConfig> {
  const file = given === '-' ? 'standard input' : given === undefined ? configPath(globals.config, env, cwd).path : resolve(cwd, given);
  const text =
    given === '-' ? (await io.readStdin(limit)).toString('utf8') : await readFile(file, 'utf8').catch((error) => refuse(file, error));
  const result = validateConfig(text);
  if (result.ok) return { file, text, value: result.value };
  const count = result.problems.length;
  throw new Problem('usage', {
    detail: `${file} is not a valid ${result.kind ?? 'configuration'}: ${counted(count, 'error')}`,
    hint: `correct ${count === 1 ? 'it' : 'them'} and run again; docs/configuration.md lists every setting`,
    reasons: result.problems.map(({ path, line, column, message }) => ({
      path: `${given === '-' ? '-' : file}:${line}:${column}`,
      message: path === '' ? message : `${path}: ${message}`,
    })),
  });
}

function refuse(file: string, cause: NodeJS.ErrnoException): never {
  throw new Problem('usage', {
    detail: `${file} cannot be read: ${cause.code === 'ENOENT' ? 'there is no such file' : cause.message}`,
    hint: `ls -l ${file}`,
    cause,
  });
}
