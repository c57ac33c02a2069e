import { setTimeout as sleep } from 'node:timers/promises';
import { Problem, type RouteList, type RouteResponse } from '@govctl/core/api';
import type { CommandContext, Run } from '../../command.ts';
import type { FlagValues } from '../../flag.ts';
import type { CommandResult } from '../../output/result.ts';
import type { handoffReplay } from './replay-declaration.ts';

type Flags = FlagValues<NonNullable<(typeof handoffReplay)['flags']>>;
type Replay = RouteResponse<RouteList['handoff.replay-get']>;

const pollMs = 300;

export const run: Run<typeof handoffReplay> = async (context, { action, replay: id }, flags) => {
  const { client } = context;
  const wrong = (detail: string, hint: string) => new Problem('usage', { detail, hint });
  if (action === undefined) return await start(context, flags);
  assertNoRange(action, flags);
  if (action === 'ls') {
    if (id !== undefined) throw wrong('ls lists all of them', `govctl handoff replay get ${id}`);
    const document = await client.call('handoff.replay-list', { query: { limit: flags.limit } });
    return { document, names: document.items.map((item) => item.replay_id) };
  }
  if (action !== 'get' && action !== 'stop') throw wrong(`there is no govctl handoff replay ${action}`, 'govctl handoff replay --help');
  if (id === undefined) throw wrong(`which replay should be ${action === 'get' ? 'shown' : 'stopped'}?`, 'govctl handoff replay ls');
  const params = { replay_id: id };
  if (action === 'get') return named(await client.call('handoff.replay-get', { params }));
  if (flags.reason === undefined) throw wrong('why should it be stopped?', `govctl handoff replay stop ${id} --reason TEXT`);
  return named(await client.call('handoff.replay-stop', { params, body: { reason: flags.reason } }));
};

const rangeFlags = ['from', 'to', 'key', 'rate', 'id'] as const;

function assertNoRange(action: string, flags: Flags): void {
  const lone = rangeFlags.find((name) => flags[name] !== undefined) ?? (flags.dryRun ? 'dry-run' : flags.detach ? 'detach' : undefined);
  if (lone === undefined) return;
  throw new Problem('usage', { detail: `--${lone} goes with the start of a replay, not with ${action}`, hint: `leave --${lone} out` });
}

async function start(context: CommandContext, flags: Flags): Promise<CommandResult> {
  const { client } = context;
  const range = {
    source: flags.source,
    ...(flags.from === undefined ? {} : { from: bound('--from', flags.from) }),
    ...(flags.to === undefined ? {} : { to: bound('--to', flags.to) }),
    ...(flags.key === undefined ? {} : { object_key: flags.key }),
  };
  if (flags.dryRun) return { document: await client.call('handoff.replay-evaluate', { body: range }) };
  const replay = await client.call('handoff.replay', {
    body: {
      ...range,
      ...(flags.id === undefined ? {} : { replay_id: flags.id }),
      ...(flags.rate === undefined ? {} : { rate: flags.rate }),
      ...(flags.reason === undefined ? {} : { reason: flags.reason }),
    },
  });
  return flags.detach ? named(replay) : await follow(context, replay);
}

async function follow({ client, io, globals, now, signal }: CommandContext, started: Replay): Promise<CommandResult> {
  const { replay_id, source, from_id, to_id, rows_total } = started;
  const until = globals.timeout === undefined ? Number.POSITIVE_INFINITY : now().getTime() + globals.timeout;
  const progress = await io.progress(`${replay_id}: running ${source} ${from_id} to ${to_id} again`);
  const hint = `govctl handoff replay get ${replay_id}`;
  let replay = started;
  while (replay.status === 'running' && now().getTime() < until) {
    progress.update({ done: replay.rows_read, total: Math.max(rows_total, replay.rows_read), unit: 'rows' });
    await sleep(pollMs, undefined, { signal }).catch(async (cause) => {
      await progress.fail('no longer watched');
      throw new Problem('cancelled', { detail: `interrupted; ${replay_id} goes on by itself`, hint, cause });
    });
    replay = await client.call('handoff.replay-get', { params: { replay_id } });
  }
  progress.update({ done: replay.rows_read, total: Math.max(rows_total, replay.rows_read), unit: 'rows' });
  if (replay.status === 'running') {
    await progress.fail(`${replay_id} is at ${replay.position} of ${to_id}, and goes on by itself: ${hint}`);
    return { document: replay, names: [replay_id], exit: 'timeout' };
  }
  await progress.done();
  return named(replay);
}

function named(document: Replay): CommandResult {
  return { document, names: [document.replay_id] };
}

/** An id, or a moment in UTC. */
function bound(flag: string, text: string): number | string {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new Problem('usage', {
    detail: `${flag} ${text} is neither an id nor a moment`,
    hint: `${flag} 1000, or ${flag} 2026-11-20T00:00:00Z`,
  });
}
