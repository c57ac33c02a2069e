import { parseCosignerKey } from '@govctl/core/evidence';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import { startLoop } from '../loop/loop.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { type CompleteDependencies, completeWitnessed } from './complete.ts';
import { witnessWords } from './queries.ts';
import { askWitnesses, type RoundDependencies, type Standing } from './round.ts';

export type WitnessSettings = {
  readonly witnesses: readonly { readonly vkey: string; readonly url: string }[];
  readonly logger: Logger;
  readonly watch: LoopWatch;
  readonly registry: Registry;
} & RoundDependencies &
  CompleteDependencies;

export type Witnesses = {
  /** How many must cosign before a run counts as complete; 0: nothing waits. */
  readonly quorum: number;
  /** There is a newer head. A hint: without it the next round finds it. */
  wake(): void;
  /** Whether the run was completed within this time. */
  completed(run_id: string, withinMs: number): Promise<boolean>;
  readiness(): { readonly ok: boolean; readonly detail: string };
  stop(): Promise<void>;
};

const idleMs = 500;
/** How many heartbeats may be missed before a witness counts as silent. */
const patience = 3;

/** Asks the configured witnesses to cosign each head, and completes what waited for them. Without any it does nothing at all. */
export async function startWitnesses(settings: WitnessSettings): Promise<Witnesses> {
  const { database, logger, now, quorum, heartbeatMs } = settings;
  if (settings.witnesses.length === 0) return nobody;
  const [words] = await database.read([witnessWords({})]);
  const standings: Standing[] = settings.witnesses.map(({ vkey, url }) => {
    const key = parseCosignerKey(vkey);
    const word = words.find(({ witness }) => witness === key.name);
    return {
      witness: { name: key.name, url: url.replace(/\/$/, ''), key },
      size: word?.size ?? 0,
      cosigned_at: word?.cosigned_at ?? null,
      trouble: null,
      failures: 0,
      not_before: 0,
    };
  });
  const waiting = new Map<string, Set<() => void>>();
  const started = settings.elapsedMs();
  const observe = metricsOf(settings.registry, standings, now);
  const told = new Map<string, string | null>();

  const loop = startLoop({
    name: 'witness',
    now,
    logger,
    watch: settings.watch,
    round: async (signal) => {
      const asked = await askWitnesses(settings, standings, signal);
      for (const { witness, trouble } of standings) {
        if (trouble !== null) observe.failed(witness.name);
        if (told.get(witness.name) === trouble) continue;
        if (trouble === null && told.has(witness.name)) logger.info({ witness: witness.name }, 'the witness cosigns again');
        else if (trouble !== null) logger.warn({ witness: witness.name, why: trouble }, 'the witness does not cosign');
        told.set(witness.name, trouble);
      }
      const done = quorum > 0 ? await completeWitnessed(settings) : [];
      for (const run_id of done) for (const resolve of waiting.get(run_id) ?? []) resolve();
      return asked && standings.every(({ trouble }) => trouble === null) ? 50 : idleMs;
    },
  });

  const isSilent = ({ cosigned_at }: Standing) =>
    cosigned_at === null || Date.parse(now()) - Date.parse(cosigned_at) > heartbeatMs * patience + settings.timeoutMs;

  return {
    quorum,
    wake: () => loop.wake(),
    completed(run_id, withinMs) {
      return new Promise((resolve) => {
        const listeners = waiting.get(run_id) ?? new Set();
        waiting.set(run_id, listeners);
        const end = (done: boolean) => {
          clearTimeout(timer);
          listeners.delete(yes);
          if (listeners.size === 0) waiting.delete(run_id);
          resolve(done);
        };
        const yes = () => end(true);
        const timer = setTimeout(() => end(false), withinMs);
        listeners.add(yes);
        loop.wake();
      });
    },
    readiness() {
      const silent = standings.filter(isSilent);
      const heard = standings.length - silent.length;
      const troubles = standings
        .filter(({ trouble }) => trouble !== null)
        .map(({ witness, trouble }) => `${witness.name}: ${trouble ?? ''}`);
      const detail = [`${heard} of ${standings.length} witnesses cosign, ${quorum} needed`, ...troubles].join('; ');
      // A daemon that just started has not had the time to ask.
      const starting = settings.elapsedMs() - started < settings.timeoutMs * 2;
      return { ok: heard >= quorum || (starting && troubles.length === 0), detail };
    },
    stop: () => loop.stop(),
  };
}

const nobody: Witnesses = {
  quorum: 0,
  wake: () => {},
  completed: async () => false,
  readiness: () => ({ ok: true, detail: 'no witness is configured' }),
  stop: async () => {},
};

function metricsOf(registry: Registry, standings: readonly Standing[], now: () => string) {
  const registers = [registry];
  const failures = new Counter({
    name: 'govd_witness_failures_total',
    help: 'Rounds in which a witness was in trouble',
    labelNames: ['witness'],
    registers,
  });
  new Gauge({
    name: 'govd_witness_cosigned_size',
    help: 'Largest tree a witness cosigned',
    labelNames: ['witness'],
    registers,
    collect() {
      for (const { witness, size } of standings) this.set({ witness: witness.name }, size);
    },
  });
  new Gauge({
    name: 'govd_witness_age_seconds',
    help: 'Time since a witness cosigned',
    labelNames: ['witness'],
    registers,
    collect() {
      for (const { witness, cosigned_at } of standings)
        if (cosigned_at !== null) this.set({ witness: witness.name }, Math.max(0, (Date.parse(now()) - Date.parse(cosigned_at)) / 1000));
    },
  });
  return { failed: (witness: string) => failures.inc({ witness }) };
}
