import { exitCodes, Problem, problemTable } from '@govctl/core/api';
import { describe, expect, it } from 'vitest';
import { anyDocument, fakeClient, fakeStreams } from './command.fixture.ts';
import { command, defineCommand, type Entry, type Run } from './command.ts';
import type { GlobalValues } from './flag.ts';
import type { CommandResult } from './output/result.ts';
import { runProgram } from './run.ts';

const declaration = defineCommand({ name: 'do', summary: 'Do it', formats: ['sarif'], examples: [] });

async function runWith(
  result: CommandResult | Error | Run<typeof declaration>,
  argv: string[] = [],
  around: { env?: Record<string, string>; signal?: AbortSignal } = {},
) {
  const run: Run<typeof declaration> =
    typeof result === 'function'
      ? result
      : async () => {
          if (result instanceof Error) throw result;
          return result;
        };
  const entries: Entry[] = [command(declaration, async () => ({ run }))];
  const captured = fakeStreams();
  const code = await runProgram(entries, ['do', ...argv], {
    streams: captured.streams,
    env: around.env ?? {},
    cwd: '/',
    signal: around.signal ?? new AbortController().signal,
    now: () => new Date(0),
    client: fakeClient(),
  });
  return { code, stdout: captured.stdout(), stderr: captured.stderr() };
}

const verdict = anyDocument('Decision', { decision: 'deny', run_id: 'R', gates: [{ code: 'A' }, { code: 'B' }] });

describe('reports of gates', () => {
  const report: CommandResult = { document: verdict, renderings: { sarif: () => 'a report\n' } };

  it('are refused where there are no gates, or beside --field, before any work is done', async () => {
    expect(await runWith(report, ['-o', 'sarif'])).toMatchObject({ code: 0, stdout: 'a report\n' });
    const never: Run<typeof declaration> = () => {
      throw new Error('work was done');
    };
    for (const [argv, why] of [
      [['-o', 'junit'], '-o junit reports the answers of gates, and this command has none'],
      [['-o', 'sarif', '--field', 'gates'], '--field picks out of a document, and -o sarif is a report'],
      [['-o', 'excel'], 'there is no output format "excel" here'],
    ] as const) {
      const { code, stdout, stderr } = await runWith(never, [...argv]);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(argv[1] === 'excel' ? JSON.stringify(why).slice(1, -1) : why);
    }
  });
});

describe('exit codes', () => {
  it.each(Object.keys(problemTable) as (keyof typeof problemTable)[])('%s ends with the code of its table', async (code) => {
    const { code: exit, stdout, stderr } = await runWith(new Problem(code, { detail: 'why it is so', hint: 'govctl mend it' }));
    expect(exit).toBe(exitCodes[problemTable[code].exit].code);
    expect(stdout).toBe('');
    expect(stderr.split('\n')[0]).toBe(`error[${code}]: ${problemTable[code].title}`);
    expect(stderr).toMatch(/why: why it is so\n[\s\S]*docs: .*\nfix: govctl mend it\n$/);
  });

  it('a verdict prints its object on standard output', async () => {
    const { code, stdout, stderr } = await runWith({ document: verdict, exit: 'deny' }, ['-o', 'json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toEqual(verdict);
    expect(stderr).toBe('');
  });

  it('what is not a problem is a bug, without a stack unless it is asked for', async () => {
    const bug = new TypeError('undefined is not a function');
    expect(await runWith(bug)).toMatchObject({ code: 1, stderr: expect.not.stringContaining('run.test.ts') });
    expect(await runWith(bug, [], { env: { GOVCTL_DEBUG: '1' } })).toMatchObject({ stderr: expect.stringContaining('run.test.ts') });
  });

  it('an error of the file system names the file', async () => {
    const { stderr, code } = await runWith(async () => {
      const { readFile } = await import('node:fs/promises');
      return { text: await readFile('/no/such/file', 'utf8') };
    });
    expect(code).toBe(1);
    expect(stderr).toContain('/no/such/file');
  });

  it.each([
    ['interrupted', 130],
    ['terminated', 143],
    ['reader-gone', 0],
  ])('%s ends a command that does not listen with %i', async (reason, expected) => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 10);
    const { code, stderr } = await runWith(() => new Promise(() => {}), [], { signal: stop.signal });
    expect(code).toBe(expected);
    if (expected === 0) expect(stderr).toBe('');
    else expect(stderr).toContain('error[cancelled]');
  });
});

describe('output', () => {
  it('on an error with -o json standard output is empty and standard error is one object', async () => {
    for (const argv of [['-o', 'json'], ['--output=json'], ['-ojson']]) {
      const { stdout, stderr } = await runWith(new Problem('not-found', { detail: 'no such thing' }), argv);
      expect(stdout).toBe('');
      expect(JSON.parse(stderr)).toMatchObject({ schemaVersion: 'govctl/v1', kind: 'Problem', code: 'not-found' });
    }
    const { stderr } = await runWith({ text: '' }, ['--nonsense', '-o', 'json']);
    expect(JSON.parse(stderr)).toMatchObject({ kind: 'Problem', code: 'usage' });
  });

  it('GOVCTL_OUTPUT is the twin of -o', async () => {
    expect(JSON.parse((await runWith({ document: verdict }, [], { env: { GOVCTL_OUTPUT: 'json' } })).stdout)).toEqual(verdict);
    expect((await runWith({ document: verdict }, ['-o', 'name'], { env: { GOVCTL_OUTPUT: 'json' } })).stdout).toBe('R\n');
  });

  it('twice the same state gives the same bytes, envelope first', async () => {
    const reordered = { run_id: 'R', kind: 'X', a: 1, schemaVersion: 'govctl/v1' as const };
    const first = (await runWith({ document: reordered }, ['-o', 'json'])).stdout;
    expect((await runWith({ document: { ...reordered } }, ['-o', 'json'])).stdout).toBe(first);
    expect(Object.keys(JSON.parse(first))).toEqual(['schemaVersion', 'kind', 'run_id', 'a']);
  });

  it('has formats of its own only where declared', async () => {
    expect(await runWith({ document: verdict, renderings: { sarif: () => 'SARIF' } }, ['-o', 'sarif'])).toMatchObject({
      code: 0,
      stdout: 'SARIF',
    });
    expect(await runWith({ document: verdict }, ['-o', 'xml'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('-o table|json'),
    });
  });

  it('prints fields raw', async () => {
    expect((await runWith({ document: verdict }, ['--field', 'decision'])).stdout).toBe('deny\n');
    expect((await runWith({ document: verdict }, ['--field', 'gates[].code'])).stdout).toBe('A\nB\n');
    expect((await runWith({ document: verdict }, ['--field', 'gates[1]'])).stdout).toBe('{"code":"B"}\n');
    expect(await runWith({ document: verdict }, ['--field', 'nope.x'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('decision'),
    });
  });

  it('streams a line for each object', async () => {
    async function* two() {
      yield { a: 1 };
      yield { a: 2 };
    }
    expect((await runWith({ stream: two() }, ['-o', 'ndjson'])).stdout).toBe('{"a":1}\n{"a":2}\n');
    expect((await runWith({ stream: two(), line: (item) => `item ${item.a}` })).stdout).toBe('item 1\nitem 2\n');
    expect((await runWith({ stream: two(), exit: () => 'failed' })).code).toBe(21);
  });

  it('gives the command the twins of the global flags', async () => {
    let seen: GlobalValues | undefined;
    await runWith(
      async ({ globals }) => {
        seen = globals;
        return { text: '' };
      },
      ['--timeout', '5s'],
      { env: { GOVCTL_TIMEOUT: '9s', GOVCTL_QUIET: '1', GOVCTL_YES: '0' } },
    );
    expect(seen).toMatchObject({ timeout: 5_000, quiet: true, yes: false });
  });
});

describe('a field of the request that does not fit', () => {
  const entries: Entry[] = [
    command(
      defineCommand({
        name: 'find',
        summary: 'Find it',
        args: { dataset: { summary: 'Dataset' } },
        flags: {
          limit: { type: 'integer', value: 'N', summary: 'At most so many' },
          action: { type: 'list', value: 'ACTION', summary: 'What it may do' },
        },
        examples: [],
      }),
      async () => ({
        run: async (_, { dataset }) => {
          const reasons = [
            { path: 'query.limit', message: 'must be a whole number from 1 to 500' },
            { path: 'body.dataset_id', message: 'must be a name' },
            { path: 'body.grants[0].actions[1]', message: 'must be an action' },
            { path: 'body.steps[0].name', message: 'must not be empty' },
          ].slice(0, dataset === 'one' ? 1 : 4);
          const detail = reasons.map(({ path, message }) => `${path}: ${message}`).join('; ');
          throw Object.assign(new Problem('invalid-request', { detail, hint: 'docs/api.md', reasons }), { requestId: 'r-1' });
        },
      }),
    ),
  ];
  const runFind = async (...argv: string[]) => {
    const captured = fakeStreams();
    const around = { env: {}, cwd: '/', signal: new AbortController().signal, now: () => new Date(0), client: fakeClient() };
    const code = await runProgram(entries, ['find', ...argv], { ...around, streams: captured.streams });
    return { code, stderr: captured.stderr() };
  };

  it('is told by the flag it came from, with the help that says what it takes', async () => {
    expect(await runFind('one')).toEqual({
      code: 2,
      stderr: `error[invalid-request]: The request is malformed
why: --limit: must be a whole number from 1 to 500
request-id: r-1
docs: docs/errors.md#invalid-request
fix: govctl find --help
`,
    });
    expect((await runFind('all')).stderr).toContain(`why: 4 values do not fit
  - --limit: must be a whole number from 1 to 500
  - DATASET: must be a name
  - --action: must be an action
  - body.steps[0].name: must not be empty
`);
  });

  it('keeps the path of the request for programs', async () => {
    const { stderr } = await runFind('one', '-o', 'json');
    expect(JSON.parse(stderr)).toMatchObject({
      detail: '--limit: must be a whole number from 1 to 500',
      hint: 'govctl find --help',
      reasons: [{ path: 'query.limit', message: 'must be a whole number from 1 to 500' }],
      request_id: 'r-1',
    });
  });
});
