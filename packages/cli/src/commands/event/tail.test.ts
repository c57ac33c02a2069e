import { Problem } from '@govctl/core/api';
import { describe, expect, it } from 'vitest';
import type { Client, ServerSentEvent } from '../../client/client.ts';
import { fakeClient, fakeContext } from '../../command.fixture.ts';
import { run } from './tail.ts';

type TailFlags = Parameters<typeof run>[2];
const flags: TailFlags = {
  follow: false,
  from: undefined,
  last: undefined,
  type: [],
  tenant: undefined,
  dataset: undefined,
  run: undefined,
};

/** Each connection answers with the next of these; an error ends it. */
function connections(...answers: (number | Error)[][]) {
  const queries: unknown[] = [];
  const events = async function* (_name: string, input: { query: unknown }): AsyncGenerator<ServerSentEvent> {
    queries.push(input.query);
    for (const answer of answers[queries.length - 1] ?? []) {
      if (answer instanceof Error) throw answer;
      yield { id: String(answer), event: 'run.completed', data: { position: String(answer) } };
    }
  };
  return { queries, client: fakeClient({}, { events: events as Client['events'] }) };
}

async function collect(client: Client, given: Partial<TailFlags>, stopAfter?: number) {
  const stop = new AbortController();
  const captured = fakeContext({ client, signal: stop.signal });
  const result = await run(captured.context, {}, { ...flags, ...given });
  if (!('stream' in result)) throw new Error('no stream');
  const positions = [];
  for await (const item of result.stream) {
    positions.push(Number(item.position));
    if (positions.length === stopAfter) stop.abort('interrupted');
  }
  return { positions, stderr: captured.stderr(), line: result.line };
}

const lost = () => new Problem('unreachable', { detail: 'lost' });

describe('event tail', () => {
  it('shows the newest and ends', async () => {
    const { client, queries } = connections([7, 8]);
    expect((await collect(client, { type: ['run.*', 'store.*'], dataset: 'orders' })).positions).toEqual([7, 8]);
    expect(queries).toEqual([{ last: 10, type: 'run.*,store.*', dataset_id: 'orders', follow: 'false' }]);
  });

  it('follows through a lost connection: nothing skipped, nothing twice', async () => {
    const { client, queries } = connections([5, 6, lost()], [lost()], [7], [8]);
    const { positions, stderr } = await collect(client, { follow: true, from: 5 }, 4);
    expect(positions).toEqual([5, 6, 7, 8]);
    expect(queries).toEqual([5, 7, 7, 8].map((from) => ({ from, follow: 'true' })));
    expect(stderr).toContain('trying again');
  });

  it('what fails at first, or for another reason, is an error', async () => {
    await expect(collect(connections([lost()]).client, { follow: true })).rejects.toMatchObject({ code: 'unreachable' });
    const forbidden = new Problem('forbidden', { detail: 'no' });
    await expect(collect(connections([1, forbidden]).client, { follow: true })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(collect(connections([1, lost()]).client, {})).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('--from and --last exclude each other', async () => {
    await expect(collect(connections([]).client, { from: 1, last: 1 })).rejects.toMatchObject({ code: 'usage' });
  });
});
