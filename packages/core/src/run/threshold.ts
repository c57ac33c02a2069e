import type { Limits, Use } from './mid-run.ts';

/** How near a run is to what it may use. Observational: nothing is stopped by it. */
export const riskLevels = ['normal', 'elevated', 'high'] as const;
export type RiskLevel = (typeof riskLevels)[number];

/** A threshold that was crossed: told once a run. */
export type Crossed = {
  /** `cost_units:80`, `defer:80`, `pause:warning`: what, and how far. */
  readonly threshold: string;
  readonly risk_level: Exclude<RiskLevel, 'normal'>;
  readonly value: number;
  readonly limit: number;
};

/** What stands on the run of this. */
export type RiskState = { readonly risk_level?: RiskLevel; readonly thresholds?: readonly string[] };

/** Shares of a limit, in hundredths, and what reaching them means. */
const marks = [
  [80, 'elevated'],
  [100, 'high'],
] as const;

/** Thresholds that are reached and were not told of yet. */
export function crossedOf(name: string, value: number, limit: number | null, told: readonly string[] = []): Crossed[] {
  if (limit === null || limit <= 0) return [];
  return marks.flatMap(([share, risk_level]) => {
    const threshold = `${name}:${share}`;
    return value * 100 >= limit * share && !told.includes(threshold) ? [{ threshold, risk_level, value, limit }] : [];
  });
}

/** The thresholds of a budget. */
export function crossedLimits(limits: Limits, used: Use, told: readonly string[] = []): Crossed[] {
  return (['steps', 'seconds', 'cost_units'] as const).flatMap((name) => crossedOf(name, used[name], limits[name], told));
}

/** The thresholds of the time that a run may wait, deferred and paused, from its start to when the promise ends. */
export function crossedWait(since: string, until: string, at: string, told: readonly string[] = []): Crossed[] {
  const seconds = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;
  return crossedOf('defer', seconds(since, at), seconds(since, until), told);
}

/** When a wait comes to its first threshold: asked only for this, a run that waits for one late moment is told of in time. */
export function firstWaitMark(since: string, until: string): string {
  return new Date(Date.parse(since) + Math.ceil(((Date.parse(until) - Date.parse(since)) * marks[0][0]) / 100)).toISOString();
}

/** The run's state after thresholds were crossed: the risk only grows, and each is told once. */
export function withCrossed<S extends RiskState>(state: S, crossed: readonly Crossed[]): S {
  if (crossed.length === 0) return state;
  const levels = [state.risk_level ?? 'normal', ...crossed.map(({ risk_level }) => risk_level)];
  const risk_level = riskLevels[Math.max(...levels.map((level) => riskLevels.indexOf(level)))] ?? 'high';
  return { ...state, risk_level, thresholds: [...(state.thresholds ?? []), ...crossed.map(({ threshold }) => threshold)] };
}

/** The events of thresholds that were crossed. */
export function crossedEvents(crossed: readonly Crossed[]) {
  return crossed.map((one) => ['threshold.exceeded', { ...one }] as const);
}
