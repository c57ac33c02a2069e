import { setTimeout as sleep } from 'node:timers/promises';
import { Problem, type RouteList, type RouteResponse } from '@govctl/core/api';
import type { CommandContext, Run } from '../../command.ts';
import type { CommandResult } from '../../output/result.ts';
import type { handoffQuarantine } from './declaration-operation.ts';

type Source = 'birth_registry' | 'registry_changelog';
type Row = { readonly source: Source; readonly id: number };
type Retry = RouteResponse<RouteList['handoff.quarantine-retry']>;

const pollMs = 200;
const patienceMs = 30_000;

export const run: Run<typeof handoffQuarantine> = async (context, { action, row: name }, flags) => {
  const { client } = context;
  const row = name === undefined ? undefined : rowOf(name);
  const { key, source } = flags;
  if (action === 'ls' && row === undefined) {
    const document = await client.call('handoff.quarantine-list', {
      query: {
        ...(key === undefined ? {} : { object_key: key }),
        ...(source === undefined ? {} : { source }),
        ...(flags.all ? { state: 'all' as const } : {}),
        ...(flags.limit === undefined ? {} : { limit: flags.limit }),
        ...(flags.cursor === undefined ? {} : { cursor: flags.cursor }),
      },
    });
    return { document, names: document.items.map(nameOf) };
  }
  if (action === 'get' && row !== undefined) {
    return { document: await client.call('handoff.quarantine-get', { params: row }), names: [nameOf(row)] };
  }
  if (action !== 'retry' && action !== 'discard') {
    throw new Problem('usage', {
      detail: action === 'get' ? 'which row? SOURCE/ID, as ls shows it' : `there is no govctl handoff quarantine ${action}`,
      hint: 'govctl handoff quarantine ls',
    });
  }
  const given = [row, key, action === 'retry' ? source : undefined].filter((each) => each !== undefined).length;
  if (given !== 1 || (action === 'discard' && source !== undefined))
    throw new Problem('usage', {
      detail: action === 'retry' ? 'name one of: a row (SOURCE/ID), --key KEY, --source SOURCE' : 'name a row (SOURCE/ID) or --key KEY',
      hint: 'govctl handoff quarantine ls',
    });
  if (flags.reason === undefined && !flags.dryRun)
    throw new Problem('usage', {
      detail: '--reason is missing: why goes into the record',
      hint: `govctl handoff quarantine ${action} ${name ?? `--key ${key ?? 'KEY'}`} --reason TEXT`,
    });
  const named = { ...row, ...(key === undefined ? {} : { object_key: key }), reason: flags.reason ?? 'dry run', dry_run: flags.dryRun };
  if (action === 'discard') {
    const document = await client.call('handoff.quarantine-discard', { body: named });
    return { document, names: document.discarded.map(nameOf) };
  }
  const asked = await client.call('handoff.quarantine-retry', { body: source === undefined ? named : { ...named, source } });
  return asked.dry_run ? { document: asked } : await watch(context, asked);
};

/** Waits for the tail, which applies the rows, and tells what became of each. */
async function watch({ client, io, now, globals, signal }: CommandContext, asked: Retry): Promise<CommandResult> {
  const { evidence_ref } = asked;
  if (evidence_ref === null) return { document: asked };
  const until = now().getTime() + (globals.timeout ?? patienceMs);
  const progress = await io.progress('applying again');
  let document = asked;
  for (;;) {
    const { counts, items } = await client.call('handoff.quarantine-list', { query: { retry_ref: evidence_ref, limit: 100 } });
    const { faulty: failed, waiting, retrying, applied } = counts;
    const failing = items
      .filter((item) => item.state === 'faulty')
      .map(({ source, id, object_key, error }) => ({ source, id, object_key, error }));
    document = { ...document, retrying, applied, failed, waiting, items: failing };
    progress.update({ done: asked.asked - retrying, total: asked.asked, unit: 'rows' });
    if (retrying === 0 || asked.paused || now().getTime() >= until) break;
    await sleep(pollMs, undefined, { signal }).catch((cause) => {
      throw new Problem('cancelled', { detail: 'interrupted while waiting for the tail, which goes on', cause });
    });
  }
  if (asked.paused) {
    await progress.fail();
    await io.warn('the tail is paused: they are tried when it is resumed (govctl handoff resume --reason TEXT)');
    return { document, exit: 'timeout' };
  }
  if (document.retrying > 0) {
    await progress.fail();
    await io.warn(`${document.retrying} of ${document.asked} rows are not tried yet: govctl handoff status`);
    return { document, exit: 'timeout' };
  }
  if (document.failed === 0) {
    await progress.done('all of them are applied');
    return { document };
  }
  await progress.fail();
  await io.warn(`failed again: ${document.failed} of ${document.asked} rows; ${document.waiting} wait behind them`);
  for (const item of document.items) await io.warn(`${nameOf(item)}: ${item.error}`);
  return { document, exit: 'findings' };
}

function rowOf(name: string): Row {
  const match = /^(birth_registry|registry_changelog)\/([1-9][0-9]{0,15})$/.exec(name);
  if (match === null)
    throw new Problem('usage', {
      detail: `${name} is no row: SOURCE/ID, for example birth_registry/42`,
      hint: 'govctl handoff quarantine ls',
    });
  return { source: match[1] as Source, id: Number(match[2]) };
}

function nameOf({ source, id }: { readonly source: string; readonly id: number }): string {
  return `${source}/${id}`;
}
