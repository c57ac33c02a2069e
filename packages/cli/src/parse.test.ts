import { describe, expect, it } from 'vitest';
import { command, defineCommand, type Entry, noun } from './command.ts';
import { parseArguments } from './parse.ts';
import { program } from './program.ts';

const promote = defineCommand({
  name: 'promote',
  summary: 'Promote a dataset',
  args: { dataset: { summary: 'Dataset' }, files: { summary: 'Files', optional: true, variadic: true } },
  flags: {
    from: { type: 'string', value: 'L', required: true, summary: 'From', choices: ['RAW', 'GDP'] },
    'run-id': { type: 'string', value: 'R', summary: 'Run', env: 'TEST_RUN_ID' },
    'dry-run': { type: 'string', value: 'MODE', summary: 'Only decide', choices: ['local', 'server'], bare: 'local' },
    wait: { type: 'boolean', short: 'w', summary: 'Wait' },
    timeout: { type: 'duration', value: 'D', summary: 'How long', default: '10m' },
    limit: { type: 'integer', value: 'N', min: 1, summary: 'How many' },
    at: { type: 'time', value: 'T', summary: 'When' },
    type: { type: 'list', value: 'T', summary: 'Types' },
  },
  examples: [{ command: 'govctl promote orders --from RAW', what: 'an example' }],
  exits: ['deny', 'defer'],
});
const load = async () => ({ run: async () => ({ text: '' }) });
const entries: Entry[] = [
  command(promote, load),
  noun('thing', 'Things', [command(defineCommand({ name: 'ls', summary: 'List', examples: [] }), load)]),
];

const parse = (line: string, env = {}) => parseArguments(line === '' ? [] : line.split(' '), { entries, env, columns: 100, color: false });
const invoked = async (line: string, env = {}) => {
  const parsed = await parse(line, env);
  if (parsed.is !== 'invocation') throw new Error(JSON.stringify(parsed));
  return parsed.invocation;
};
const usage = async (line: string, env = {}) => {
  const parsed = await parse(line, env);
  if (parsed.is !== 'usage') throw new Error(JSON.stringify(parsed));
  return parsed;
};

describe('the command line', () => {
  it('gives arguments and flags by their names, typed', async () => {
    const { args, flags } = await invoked(
      'promote orders a b --from RAW --run-id R1 -w --limit 3 --at 2026-11-21T10:00:00+02:00 --type x --type y --timeout 90s',
    );
    expect(args).toEqual({ dataset: 'orders', files: ['a', 'b'] });
    expect(flags).toEqual({
      from: 'RAW',
      runId: 'R1',
      dryRun: undefined,
      wait: true,
      timeout: 90_000,
      limit: 3,
      at: '2026-11-21T08:00:00.000Z',
      type: ['x', 'y'],
    });
  });

  it('has defaults for what was not given', async () => {
    const { flags, args } = await invoked('promote orders --from GDP');
    expect(flags).toMatchObject({ wait: false, timeout: 600_000, type: [], limit: undefined });
    expect(args).toEqual({ dataset: 'orders', files: [] });
  });

  it('lets a bare flag stand before an argument without swallowing it', async () => {
    const { flags, args } = await invoked('promote --dry-run orders --from RAW');
    expect(flags.dryRun).toBe('local');
    expect(args.dataset).toBe('orders');
    expect((await invoked('promote orders --from RAW --dry-run=server')).flags.dryRun).toBe('server');
    expect((await usage('promote orders --from RAW --dry-run=never')).why).toContain('local, server');
  });

  it('takes global flags before and after the verb; the innermost counts', async () => {
    expect((await invoked('-o json thing ls')).globals.output).toBe('json');
    expect((await invoked('thing ls -o json')).globals.output).toBe('json');
    expect((await invoked('thing -o json ls')).globals.output).toBe('json');
    expect((await invoked('-o yaml thing ls -o json')).globals.output).toBe('json');
    expect((await invoked('thing ls --no-color --no-input')).globals).toMatchObject({ noColor: true, noInput: true, quiet: false });
    expect((await invoked('thing ls')).globals).toMatchObject({ noColor: false, noInput: false });
  });

  it('reads the environment twin of a flag, and prefers the flag', async () => {
    expect((await invoked('promote o --from RAW', { TEST_RUN_ID: 'env' })).flags.runId).toBe('env');
    expect((await invoked('promote o --from RAW --run-id flag', { TEST_RUN_ID: 'env' })).flags.runId).toBe('flag');
  });

  it('says what was meant', async () => {
    expect(await usage('promote orders --form RAW')).toMatchObject({
      why: expect.stringContaining('--form'),
      fix: expect.stringContaining('--from'),
    });
    expect(await usage('promot orders')).toMatchObject({ fix: expect.stringContaining('promote') });
    expect(await usage('thing sl')).toMatchObject({ fix: expect.stringContaining('ls') });
  });

  it.each([
    ['promote --from RAW', 'dataset'],
    ['promote orders', '--from'],
    ['promote orders --from KPI', 'RAW, GDP'],
    ['promote orders --from RAW --limit x', 'whole number'],
    ['promote orders --from RAW --limit 0', 'from 1'],
    ['promote orders --from RAW --timeout soon', 'duration'],
    ['promote orders --from RAW --at yesterday', 'RFC 3339'],
    ['thing', 'ls'],
    ['thing ls more', 'too many arguments'],
  ])('refuses %s and names what is wrong', async (line, word) => {
    expect((await usage(line)).why).toContain(word);
  });

  it('shows help with examples and exit codes', async () => {
    const parsed = await parse('promote --help');
    expect(parsed).toMatchObject({ is: 'help', text: expect.stringMatching(/govctl promote orders --from RAW[\s\S]*3 deny, 8 defer/) });
    expect(await parse('')).toMatchObject({ is: 'help', text: expect.stringContaining('promote') });
  });
});

describe('every command of the program', () => {
  const all = program.flatMap((entry) =>
    entry.kind === 'command'
      ? [{ path: [entry.declaration.name], entry }]
      : entry.commands.map((verb) => ({ path: [entry.name, verb.declaration.name], entry: verb })),
  );

  it.each(all.map(({ path, entry }) => [path.join(' '), path, entry] as const))(
    '%s has help, examples that parse, and a module that runs',
    async (name, path, entry) => {
      const options = { entries: program, env: {}, columns: 100, color: false };
      expect(await parseArguments([...path, '--help'], options)).toMatchObject({ is: 'help' });
      expect(entry.declaration.examples.length).toBeGreaterThan(0);
      expect(typeof (await entry.load())).toBe('function');
      for (const { command: line } of entry.declaration.examples) {
        const start = line.indexOf(`govctl ${name}`);
        expect(start, line).toBeGreaterThanOrEqual(0);
        const words = [...line.slice(start + 7).matchAll(/"([^"]*)"|'([^']*)'|([^\s"'()|<>&;]+)|[|<>)&;]/g)].map(
          (match) => match[1] ?? match[2] ?? match[3],
        );
        const end = words.indexOf(undefined);
        expect(await parseArguments(words.slice(0, end === -1 ? undefined : end) as string[], options), line).toMatchObject({
          is: 'invocation',
          invocation: { path: name },
        });
      }
    },
  );
});
