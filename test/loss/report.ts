import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outcomeOf } from './outcome.ts';
import type { RunResult, TailerResult } from './run.ts';

const head = ['tailer', 'delivered', 'lost', 'doubled', 'invented', 'out of order', 'p50 ms', 'p99 ms', 'max ms', 'longest stall ms'];

function cells({ tailer, control, figures }: TailerResult): string[] {
  const { delivered, lost, doubled, invented, out_of_order, latency, longest_stall } = figures;
  const counts = [delivered, lost, doubled, invented, out_of_order].map(String);
  const times = [latency.p50, latency.p99, latency.max, longest_stall].map((ms) => ms.toFixed(0));
  return [control ? `${tailer} (negative control)` : tailer, ...counts, ...times];
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd : cell.padStart).call(cell, widths[column] ?? 0));
  return [head, ...rows].map((row) => `  ${line(row).join('  ')}`).join('\n');
}

/** One seed as a page. */
export function runText(run: RunResult): string {
  const { seed, seconds, writers, raids, committed_rows, committed_births, gaps, unknown_rows, hold_ms, tailers } = run;
  return [
    `seed ${seed}: ${writers} writers over ${seconds} s committed ${committed_rows} rows, ${committed_births} of them births;`,
    `  ${gaps} ids were drawn in vain, the answer to ${unknown_rows} rows was lost; unrelated transactions were open for ${(hold_ms / 1000).toFixed(1)} s three times`,
    ...(raids ? ['  connections of our tail were terminated again and again: its times tell how fast it comes back'] : []),
    table(tailers.map(cells)),
  ].join('\n');
}

/** Writes everything that was measured where it can be kept; that path. */
export function writeResults(root: string, runs: readonly RunResult[], version: string): string {
  const folder = join(root, 'fault-results');
  mkdirSync(folder, { recursive: true });
  const measured_at = new Date().toISOString();
  const path = join(folder, `handoff-${measured_at.slice(0, 19).replaceAll(':', '')}.json`);
  const document = { schemaVersion: 'govctl/v1', kind: 'HandoffFaults', measured_at, postgres: version, ...outcomeOf(runs), runs };
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  return path;
}
