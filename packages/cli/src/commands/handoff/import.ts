import { stat, writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { birthBatch, isProblem, Problem } from '@govctl/core/api';
import type { BirthLine, ParsedLine } from '@govctl/core/handoff';
import type { CommandContext, Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { handoffImport } from './declaration.ts';
import { openFile } from './line-source.ts';
import { formatOf, type ImportFormat, parsedLines } from './parsed-lines.ts';

/** Bytes of lines in one request: well below the daemon's limit for a body. */
const batchBytes = 600_000;
/** Small enough that others who ask the daemon meanwhile do not wait for it. */
const batchLines = Math.min(birthBatch, 1_000);
const shownRejects = 20;

type Bad = Extract<ParsedLine, { kind: 'bad' }>;
type Counts = { lines: number; born: number; changed: number; retired: number; already: number };
type Source = { readonly name: string; readonly format: ImportFormat; readonly open: () => Readable; readonly repeatable: boolean };

export const run: Run<typeof handoffImport> = async (context, { file }, flags) => {
  const { io, cwd } = context;
  const source = await sourceOf(context, file, flags.format);
  const rejects: Bad[] = [];
  let total: number | undefined;
  let births = true;

  if (source.repeatable) {
    const checked = await check(context, source, rejects);
    total = checked.lines;
    births = checked.born > 0;
    await keepRejects(context, rejects, flags.rejects);
    if (rejects.length > 0 && !flags.skipBad) throw refused(source.name, rejects, total);
    await tell(context, rejects);
    if (flags.dryRun) {
      const document = asDocument('HandoffImport', {
        source: source.name,
        dry_run: true,
        ...checked,
        already: 0,
        rejected: rejects.length,
        permit_id: null,
      });
      return rejects.length > 0 ? { document, exit: 'findings' } : { document };
    }
  } else if (flags.dryRun) {
    throw new Problem('usage', {
      detail: 'standard input can be read once, so it cannot be checked first',
      hint: 'govctl handoff import FILE --dry-run',
    });
  }

  const permit_id = flags.permit ?? (births ? await issuePermit(context, source.name, flags.reason) : undefined);
  const found: Bad[] = [];
  const good = total === undefined ? undefined : total - rejects.length;
  const stopAtBad = !source.repeatable && !flags.skipBad;
  const counts = await send(context, source, { permit_id, total: good, found, stopAtBad });
  if (!source.repeatable) await keepRejects(context, found, flags.rejects);
  if (stopAtBad && found[0] !== undefined) throw stopped(source.name, found[0], counts.lines);
  if (!source.repeatable) await tell(context, found);
  const document = asDocument('HandoffImport', {
    source: source.name,
    dry_run: false,
    ...counts,
    rejected: found.length,
    permit_id: permit_id ?? null,
  });
  if (found.length > 0)
    await io.warn(
      `${found.length} lines of ${source.name} were not imported${flags.rejects === undefined ? '' : `: ${resolve(cwd, flags.rejects)} has them`}`,
    );
  return found.length > 0 ? { document, exit: 'findings' } : { document };
};

async function sourceOf({ io, cwd }: CommandContext, file: string, format: ImportFormat | undefined): Promise<Source> {
  if (file === '-') return { name: 'standard input', format: format ?? 'ndjson', open: () => io.streams.stdin.stream, repeatable: false };
  const path = resolve(cwd, file);
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new Problem('usage', {
      detail: `${path} cannot be read: ${cause.code === 'ENOENT' ? 'there is no such file' : cause.message}`,
      hint: 'govctl handoff import FILE',
      cause,
    });
  });
  if (found.isDirectory()) throw new Problem('usage', { detail: `${path} is a folder`, hint: 'name the file in it' });
  // A pipe or device can be read once, like standard input.
  return { name: basename(path), format: format ?? formatOf(path), open: () => openFile(path), repeatable: found.isFile() };
}

/** Reads everything once, so that a file with a bad line in it is not imported by half. */
async function check({ io }: CommandContext, source: Source, rejects: Bad[]): Promise<Omit<Counts, 'already'>> {
  const progress = await io.progress(`checking ${source.name}`);
  const counts = { lines: 0, born: 0, changed: 0, retired: 0 };
  try {
    for await (const parsed of parsedLines(source.open(), source.name, source.format)) {
      counts.lines += 1;
      if (parsed.kind === 'bad') rejects.push(parsed);
      else if (parsed.line.change === 'BORN') counts.born += 1;
      else if (parsed.line.change === 'CHANGED') counts.changed += 1;
      else counts.retired += 1;
      if (counts.lines % 5_000 === 0) progress.update({ done: counts.lines, unit: 'rows' });
    }
    progress.update({ done: counts.lines, unit: 'rows' });
    await progress.done();
    return counts;
  } catch (error) {
    await progress.fail();
    throw error;
  }
}

type Sending = {
  readonly permit_id: string | undefined;
  readonly total: number | undefined;
  readonly found: Bad[];
  readonly stopAtBad: boolean;
};

async function send({ client, io }: CommandContext, source: Source, sending: Sending): Promise<Counts> {
  const { permit_id, total, found, stopAtBad } = sending;
  const counts: Counts = { lines: 0, born: 0, changed: 0, retired: 0, already: 0 };
  const progress = await io.progress(`importing ${source.name}`);
  let batch: BirthLine[] = [];
  let bytes = 0;
  let last = 0;
  const flush = async () => {
    if (batch.length === 0) return;
    const receipt = await client.call('birth.add', { body: { lines: batch, ...(permit_id === undefined ? {} : { permit_id }) } });
    counts.lines += batch.length;
    counts.born += receipt.born;
    counts.changed += receipt.changed;
    counts.retired += receipt.retired;
    counts.already += receipt.already;
    batch = [];
    bytes = 0;
    progress.update({ done: counts.lines, unit: 'rows', ...(total === undefined ? {} : { total }) });
  };
  try {
    for await (const parsed of parsedLines(source.open(), source.name, source.format)) {
      if (parsed.kind === 'bad') {
        found.push(parsed);
        if (stopAtBad) break;
        continue;
      }
      const size = JSON.stringify(parsed.line).length;
      if (batch.length >= batchLines || bytes + size > batchBytes) await flush();
      batch.push(parsed.line);
      bytes += size;
      last = parsed.number;
    }
    await flush();
    await progress.done();
    return counts;
  } catch (error) {
    await progress.fail();
    throw withPlace(error, source.name, counts.lines, last);
  }
}

async function issuePermit({ client, now }: CommandContext, name: string, reason: string | undefined): Promise<string> {
  const expires_at = new Date(now().getTime() + 24 * 3_600_000).toISOString();
  const { permit_id } = await client.call('birth.permit', {
    body: { permit_kind: 'bulk', reason: reason ?? `import of ${name}`.slice(0, 1_000), expires_at },
  });
  return permit_id;
}

async function tell({ io }: CommandContext, rejects: readonly Bad[]): Promise<void> {
  for (const { number, reason } of rejects.slice(0, shownRejects)) await io.warn(`line ${number}: ${reason}`);
  if (rejects.length > shownRejects) await io.warn(`and ${rejects.length - shownRejects} more bad lines`);
}

async function keepRejects({ cwd }: CommandContext, rejects: readonly Bad[], file: string | undefined): Promise<void> {
  if (file === undefined || rejects.length === 0) return;
  const lines = rejects.map(({ number, reason, text }) => `${JSON.stringify({ line: number, reason, text })}\n`);
  await writeFile(resolve(cwd, file), lines.join(''));
}

function stopped(name: string, bad: Bad, lines: number): Problem {
  return new Problem('usage', {
    detail: `line ${bad.number} of ${name} is bad: the ${lines} lines before it are registered, nothing after it was read`,
    hint: 'mend it and send everything again (what is registered is not repeated), or add --skip-bad',
    reasons: [{ path: `line ${bad.number}`, message: bad.reason }],
  });
}

function refused(name: string, rejects: readonly Bad[], lines: number): Problem {
  return new Problem('usage', {
    detail: `${rejects.length} of ${lines} lines of ${name} are bad, so nothing was imported`,
    hint: 'mend them, or import the good ones: govctl handoff import FILE --skip-bad --rejects bad.ndjson',
    reasons: rejects.slice(0, shownRejects).map(({ number, reason }) => ({ path: `line ${number}`, message: reason })),
  });
}

/** What the person must know when it stops half-way: how much is safe, and that starting again repeats nothing. */
function withPlace(error: unknown, name: string, done: number, lastLine: number): unknown {
  if (!isProblem(error)) return error;
  return new Problem(error.code, {
    detail: `${error.message} (${name}, up to line ${lastLine}; ${done} lines are registered)`,
    hint: error.hint ?? 'run the same command again: what is registered is not repeated',
    ...(error.reasons === undefined ? {} : { reasons: error.reasons }),
    cause: error,
  });
}
