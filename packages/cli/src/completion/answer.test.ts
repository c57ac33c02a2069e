import { describe, expect, it } from 'vitest';
import { fakeClient, fakeStreams } from '../command.fixture.ts';
import { command, defineCommand, type Entry, noun } from '../command.ts';
import { answerCompletion, splitLine } from './answer.ts';

const load = async () => ({ run: async () => ({ text: '' }) });
const get = defineCommand({
  name: 'get',
  summary: 'Get it',
  args: { run: { summary: 'Run', completes: 'run' } },
  flags: {
    mode: { type: 'string', value: 'M', summary: 'How', choices: ['fast', 'slow'], bare: 'fast' },
    from: { type: 'string', value: 'F', summary: 'From', choices: ['RAW', 'GDP'] },
    file: { type: 'string', value: 'F', summary: 'File', completes: 'file' },
  },
  examples: [],
});
const entries: Entry[] = [
  noun('promotion', 'Promotions', [command(get, load)]),
  command(defineCommand({ name: 'status', summary: 'Status', examples: [] }), load),
];

async function answer(shell: string, words: string[], failing = false): Promise<string[]> {
  const client = fakeClient({
    'promotion.ls': () => {
      if (failing) throw new Error('no daemon');
      const row = {
        run_kind: 'promotion',
        tenant_id: 't',
        dataset_id: 'orders',
        from_layer: 'RAW',
        to_layer: 'GDP',
        snapshot_id: 's',
        phase: 'DONE',
        status: 'x',
        decision: null,
        decision_ref: null,
        created_at: '',
        updated_at: '',
        next_eligible_at: null,
      };
      return {
        schemaVersion: 'govctl/v1',
        kind: 'PromotionList',
        items: [
          { ...row, run_id: 'nightly:1' },
          { ...row, run_id: 'other' },
        ],
        next_cursor: null,
      };
    },
  });
  const around = {
    streams: fakeStreams().streams,
    env: {},
    cwd: '/',
    signal: new AbortController().signal,
    now: () => new Date(0),
    client,
  };
  const text = await answerCompletion(entries, shell === 'bash' ? [shell, words.join(' ')] : [shell, ...words], around);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '');
}

describe('completion', () => {
  it('offers nouns, verbs and flags where they may stand', async () => {
    expect(await answer('zsh', [''])).toEqual(['promotion', 'status']);
    expect(await answer('zsh', ['pro'])).toEqual(['promotion']);
    expect(await answer('zsh', ['promotion', ''])).toEqual(['get']);
    expect(await answer('zsh', ['-o', 'json', 'promotion', 'g'])).toEqual(['get']);
    expect(await answer('zsh', ['promotion', 'get', '--f'])).toEqual(['--field', '--from', '--file']);
  });

  it('offers values of flags, and file names where files are meant', async () => {
    expect(await answer('zsh', ['promotion', 'get', '--from', ''])).toEqual(['RAW', 'GDP']);
    expect(await answer('zsh', ['promotion', 'get', '--from=R'])).toEqual(['--from=RAW']);
    expect(await answer('zsh', ['promotion', 'get', '--mode', ''])).not.toContain('fast');
    expect(await answer('zsh', ['promotion', 'get', '--mode='])).toEqual(['--mode=fast', '--mode=slow']);
    expect(await answer('zsh', ['promotion', 'get', '--file', ''])).toEqual([':files']);
    expect(await answer('zsh', ['status', '-o', 'n'])).toEqual(['ndjson', 'name']);
  });

  it('asks the daemon for ids, and is silent when it does not answer', async () => {
    expect(await answer('zsh', ['promotion', 'get', ''])).toEqual(['nightly:1', 'other']);
    expect(await answer('zsh', ['promotion', 'get', ''], true)).toEqual([]);
  });

  it('gives bash only what follows its word breaks', async () => {
    expect(await answer('bash', ['govctl promotion get nightly:'])).toEqual(['1']);
    expect(await answer('bash', ['govctl promotion get --from=R'])).toEqual(['RAW']);
    expect(await answer('bash', ['govctl promotion get '])).toEqual(['nightly:1', 'other']);
  });

  it('splits a line without running anything in it', () => {
    expect(splitLine(`govctl a "b c" 'd $(x)' e\\ f `)).toEqual(['govctl', 'a', 'b c', 'd $(x)', 'e f', '']);
    expect(splitLine('govctl "unfinished word')).toEqual(['govctl', 'unfinished word']);
  });
});
