import { canonicalJson } from '../evidence/jcs.ts';
import type { GovdConfig } from './govd-config.ts';

/** What a running daemon reads anew each time it needs it. Everything else was used to put the daemon together. */
const live: ReadonlySet<string> = new Set([
  'signers',
  'evidence.capability_ttl',
  'retention.rules',
  'logging.level',
  'receipt.remote_assist',
  'runs.jobs.limits',
  'shutdown.drain',
]);

export type Reload = {
  /** The configuration that counts from now on. */
  readonly config: GovdConfig;
  /** Settings that changed in the file and keep their old value until a restart. */
  readonly needs_restart: readonly string[];
};

/**
 * A new configuration for a running daemon: what can change does, what cannot keeps its value and is named. What counts is always
 * what the daemon does, so its digest never claims a setting that is not in force.
 */
export function reloadOf(current: GovdConfig, next: GovdConfig): Reload {
  const needs_restart: string[] = [];
  const merge = (before: unknown, after: unknown, path: string): unknown => {
    if (live.has(path)) return after;
    if (isObject(before) && isObject(after)) {
      const merged = [...new Set([...Object.keys(before), ...Object.keys(after)])].map((name) => [
        name,
        merge(before[name], after[name], path === '' ? name : `${path}.${name}`),
      ]);
      return Object.fromEntries(merged.filter(([, value]) => value !== undefined));
    }
    if (canonicalJson(before ?? null) !== canonicalJson(after ?? null)) needs_restart.push(path);
    return before;
  };
  return { config: merge(current, next, '') as GovdConfig, needs_restart };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
