import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup } from './backup.ts';
import { command } from './command.ts';
import { deciding } from './decide.ts';
import { dispatcher } from './dispatcher.ts';
import { drain } from './drain.ts';
import { evidenceAccess } from './evidence-access.ts';
import { growth } from './growth.ts';
import { handoff } from './handoff.ts';
import { job } from './job.ts';
import { logVerify } from './log-verify.ts';
import type { Lab, Measurement } from './measurement.ts';
import { postgresDrain } from './postgres-drain.ts';
import { postgresLatency } from './postgres-latency.ts';
import { postgresPromotion } from './postgres-promotion.ts';
import { promotion } from './promotion.ts';
import { receipt } from './receipt.ts';
import { reconcile } from './reconcile.ts';
import { replay } from './replay.ts';
import { type Result, writeReport } from './report.ts';
import { stage } from './stage.ts';
import { startup } from './startup.ts';

const measurements: readonly Measurement[] = [
  promotion,
  stage,
  handoff,
  drain,
  replay,
  deciding,
  command,
  startup,
  growth,
  logVerify,
  evidenceAccess,
  job,
  reconcile,
  dispatcher,
  receipt,
  backup,
  postgresDrain,
  postgresLatency,
  postgresPromotion,
];

type SuiteOptions = { readonly root: string; readonly quick: boolean; readonly only?: readonly string[] };

/** Runs the measurements one after the other and writes the report. False when one could not be made; the others still are. */
export async function runSuite({ root, quick, only }: SuiteOptions): Promise<boolean> {
  const unknown = only?.filter((name) => !measurements.some((one) => one.name === name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`no measurement ${unknown.join(', ')}; there are ${measurements.map(({ name }) => name).join(', ')}`);
  const results: Result[] = [];
  const measured_at = new Date().toISOString();
  let page = '';
  const shared = mkdtempSync(join(tmpdir(), 'govctl-bench-shared-'));
  for (const { name, run } of measurements) {
    if (only !== undefined && !only.includes(name)) continue;
    const folder = mkdtempSync(join(tmpdir(), 'govctl-bench-'));
    const started = performance.now();
    const tell = (text: string) => void process.stderr.write(`${name}: ${text}\n`);
    const before = loadavg();
    const lab: Lab = { root, quick, folder, shared, tell };
    try {
      const section = await run(lab);
      results.push({ name, section, load_before: before, load_after: loadavg(), seconds: (performance.now() - started) / 1000 });
      tell(`done in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    } catch (error) {
      tell(`failed: ${(error as Error).stack ?? String(error)}`);
      results.push({
        name,
        error: String((error as Error).message),
        load_before: before,
        load_after: loadavg(),
        seconds: (performance.now() - started) / 1000,
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    // After each: what was measured stays when a later one is interrupted.
    page = writeReport(root, { quick, measured_at, results });
  }
  rmSync(shared, { recursive: true, force: true });
  process.stdout.write(`${page}\n`);
  return results.every((result) => 'section' in result);
}
