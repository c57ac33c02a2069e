import { readYaml } from '../policy/yaml-file.ts';
import { type CliConfig, cliConfigSchema } from './cli-config.ts';

/**
 * The configuration of govctl out of its text, or undefined where it is not one: `validateConfig` says why. Every command reads it, and
 * the schema of the daemon's configuration costs more than that.
 */
export function readCliConfig(text: string): CliConfig | undefined {
  return readYaml(text, cliConfigSchema).value;
}
