import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Bar, Section, Table } from './measurement.ts';

type Ran = {
  readonly name: string;
  readonly seconds: number;
  readonly load_before: readonly number[];
  readonly load_after: readonly number[];
};
export type Result = Ran & ({ readonly section: Section } | { readonly error: string });

function machine(root: string) {
  const handle = new Sqlite(':memory:');
  const { version: sqlite } = handle.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  handle.close();
  const processors = cpus();
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  let commit: string | null = null;
  try {
    commit = git('rev-parse', '--short=12', 'HEAD');
  } catch {
    // A copy without its history is measured all the same.
  }
  return {
    processors: processors.length,
    processor: processors[0]?.model ?? 'unknown',
    memory_gib: Math.round(totalmem() / 1024 ** 3),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    sqlite,
    commit,
  };
}

function tableText({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [`**${title}**`, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function barsText(bars: readonly Bar[]): string {
  const rows = bars.map(({ what, measured, bar, met }) => [what, measured, bar, met ? 'met' : '**not met**']);
  return tableText({ title: 'Bars', head: ['what', 'measured', 'bar', ''], rows });
}

function load(values: readonly number[]): string {
  return (values[0] ?? 0).toFixed(2);
}

function resultText(result: Result): string {
  const when = `Load average ${load(result.load_before)} before, ${load(result.load_after)} after; took ${result.seconds.toFixed(0)} s.`;
  if ('error' in result) return `## ${result.name}\n\nCould not be measured: ${result.error}\n\n${when}`;
  const { title, text, tables } = result.section;
  return [`## ${title}`, ...tables.map(tableText), ...text, when].join('\n\n');
}

type Report = { readonly measured_at: string; readonly quick: boolean; readonly results: readonly Result[] };

/** Writes bench-results/<date>.json and the page; answers the page's path. */
export function writeReport(root: string, { measured_at, quick, results }: Report): string {
  const folder = join(root, 'bench-results');
  mkdirSync(folder, { recursive: true });
  const host = machine(root);
  const file = `${measured_at.slice(0, 19).replaceAll(':', '')}.json`;
  writeFileSync(
    join(folder, file),
    `${JSON.stringify({ schemaVersion: 'govctl/v1', kind: 'Benchmark', measured_at, quick, machine: host, results }, null, 2)}\n`,
  );
  const bars = results.flatMap((result) => ('section' in result ? result.section.bars : []));
  const page = [
    '# Benchmark',
    `Measured ${measured_at} at commit ${host.commit ?? 'unknown'} by \`npm run bench\` on ${host.processors} processors (${host.processor}), ${host.memory_gib} GiB, ${host.system}, Node ${host.node}, SQLite ${host.sqlite}. Figures: ${file}.`,
    ...(quick ? ['**A quick run: few rounds and rows. These figures mean nothing.**'] : []),
    "Absolute figures are this machine's; both sides of a ratio were measured in turns in one run. A figure is the median of the rounds, in brackets the least and the greatest. No test asserts any of them.",
    barsText(bars),
    ...results.map(resultText),
  ];
  const path = join(folder, 'README.md');
  writeFileSync(path, `${page.join('\n\n')}\n`);
  return path;
}
