import { isMap, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type FileProblem, nestsTooDeep, readYaml } from '../policy/yaml-file.ts';
import { cliConfigSchema } from './cli-config.ts';
import { govdConfigSchema } from './govd-config.ts';

/** The two configuration files, by their `kind`. */
export const configKinds = { GovdConfig: govdConfigSchema, CliConfig: cliConfigSchema } as const;
export type ConfigKind = keyof typeof configKinds;

export type ConfigValue = {
  readonly [K in ConfigKind]: { readonly kind: K; readonly config: z.output<(typeof configKinds)[K]> };
}[ConfigKind];

export type ValidatedConfig =
  | { readonly ok: true; readonly value: ConfigValue }
  | { readonly ok: false; readonly kind: ConfigKind | null; readonly problems: readonly FileProblem[] };

/**
 * Checks the text of a configuration file, whichever of the two it is, and reports everything that is wrong with it at once,
 * each with path, line and column. Reads nothing else: files it names are not opened.
 */
export function validateConfig(text: string): ValidatedConfig {
  const kind = kindOf(text);
  if (kind === null) {
    const message = `kind must be ${Object.keys(configKinds).join(' or ')}`;
    // Broken YAML is reported as such; only a readable document without a known kind is told about its kind.
    const { problems } = readYaml(text, govdConfigSchema);
    const broken = problems.filter((problem) => problem.path === '' && problem.message !== '');
    const ofKind = problems.find((problem) => problem.path === 'kind');
    return { ok: false, kind, problems: ofKind === undefined ? broken : [{ ...ofKind, message }] };
  }
  const read = kind === 'GovdConfig' ? readYaml(text, govdConfigSchema) : readYaml(text, cliConfigSchema);
  if (read.value !== undefined) return { ok: true, value: { kind, config: read.value } as ConfigValue };
  return { ok: false, kind, problems: [...read.problems].sort((a, b) => a.line - b.line || a.column - b.column) };
}

function kindOf(text: string): ConfigKind | null {
  if (nestsTooDeep(text)) return null;
  const { contents, errors } = parseDocument(text);
  const kind = errors.length === 0 && isMap(contents) ? contents.get('kind') : undefined;
  return typeof kind === 'string' && Object.hasOwn(configKinds, kind) ? (kind as ConfigKind) : null;
}
