export { type CliConfig, type CliContext, cliConfigSchema, cliContextSchema, emptyCliConfig } from './cli-config.ts';
export { readCliConfig } from './cli-config-file.ts';
export { configDigest } from './config-digest.ts';
export { type ConfigKind, type ConfigValue, configKinds, type ValidatedConfig, validateConfig } from './config-file.ts';
export { type EffectiveSetting, effectiveSettings } from './effective.ts';
export { type GovdConfig, govdConfigSchema } from './govd-config.ts';
export type { PostgresConfig } from './postgres-config.ts';
export { type Reload, reloadOf } from './reload.ts';
export type { RunsConfig } from './runs-config.ts';
