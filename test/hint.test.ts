import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { daemonProgram } from '../packages/agent/src/program.ts';
import { fakeStreams } from '../packages/cli/src/command.fixture.ts';
import { parseArguments } from '../packages/cli/src/parse.ts';
import { program } from '../packages/cli/src/program.ts';
import { runProgram } from '../packages/cli/src/run.ts';
import { promotionOf, type Scene, scene } from './fault/scene.ts';
import { daemonProgram as daemonPath } from './harness.ts';
import { type Told, toldCommands, wordsOf } from './hint-source.ts';

const told = toldCommands();

/** What stands for a value that cannot be just any word. */
const values: Readonly<Record<string, string>> = {
  L: 'RAW',
  N: '1',
  T: '2026-11-26T00:00:00Z',
  '‹from_layer›': 'RAW',
  '‹to_layer›': 'GDP',
  '‹flags›': '',
  '‹where›': '',
};

async function refusalOf({ line }: Told): Promise<string | undefined> {
  const [name, ...argv] = wordsOf(line)
    .map((word) => values[word] ?? word)
    .filter((word) => word !== '');
  if (name === 'govd') {
    try {
      return daemonRefusal(argv);
    } catch (error) {
      return (error as Error).message;
    }
  }
  const parsed = await parseArguments(argv, { entries: program, env: {}, columns: 100, color: false });
  return parsed.is === 'usage' ? `${parsed.why} (${parsed.fix})` : undefined;
}

function daemonRefusal(argv: readonly string[]): string | undefined {
  let command = daemonProgram();
  const rest = [...argv];
  for (
    let next = command.commands.find((one) => one.name() === rest[0]);
    next !== undefined;
    next = command.commands.find((one) => one.name() === rest[0])
  ) {
    command = next;
    rest.shift();
  }
  const { unknown, operands } = command.parseOptions(rest);
  if (command.commands.length > 0 || unknown.length > 0 || operands.length > 0)
    return `unknown: ${[...operands, ...unknown].join(' ') || argv.join(' ')}`;
  const missing = command.options.filter((option) => option.mandatory && command.getOptionValue(option.attributeName()) === undefined);
  return missing.length > 0 ? `missing: ${missing.map((option) => option.flags).join(', ')}` : undefined;
}

describe('commands that the product tells people to type', () => {
  it('are found where they are', () => {
    expect(told.length).toBeGreaterThan(300);
    expect(new Set(told.map(({ line }) => line)).size).toBeGreaterThan(150);
    // One of each kind of place, so that none of them is lost without a word.
    for (const place of [
      'cli/src/client/connect-problem.ts',
      'agent/src/audit/world-check.ts',
      'core/src/decision/gate/',
      'declaration.ts',
      'recovery.md',
    ])
      expect(told.filter(({ where }) => where.includes(place)).length, place).toBeGreaterThan(0);
  });

  it('exist, with their flags', async () => {
    const wrong: string[] = [];
    for (const one of told) {
      const why = await refusalOf(one);
      if (why !== undefined) wrong.push(`${one.where}: ${one.line}\n    ${why}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('commands that only look, in a scene that has what they are about', () => {
  let on: Scene;
  const known: Record<string, string> = {};
  beforeAll(async () => {
    on = await scene();
    const [dataset] = on.datasets;
    if (dataset === undefined) throw new Error('no dataset');
    await on.insist('POST', '/v1/promotions', promotionOf('run-1', dataset));
    const { items } = await on.at.json<{ items: { ref: string }[] }>(['evidence', 'ls', '--kind', 'decision']);
    const file = async (name: string, argv: readonly string[]) => await on.at.file(name, (await on.at.govctl(argv)).stdout);
    const pack = await file('pack.yaml', ['policy', 'show', 'gdp-default', '--source']);
    for (const name of ['R', '‹run_id›', '‹runId›', '‹run›', '‹id›']) known[name] = 'run-1';
    for (const name of ['S', '‹snapshot_id›', '‹snapshot›']) known[name] = dataset.snapshot_id;
    for (const name of ['DATASET', 'orders', '‹dataset_id›', 'ID', '‹contract_id›']) known[name] = dataset.dataset_id;
    for (const name of ['REF', '‹ref›', '‹decision_ref›']) known[name] = items[0]?.ref ?? '';
    for (const name of ['PACK.yaml', 'pack.yaml']) known[name] = pack;
    known.NAME = 'gdp-default';
    known.D = on.at.state;
    known['govd.yaml'] = join(on.at.state, 'govd.yaml');
    known.checkpoint = await file('note', ['log', 'checkpoint', '-o', 'note']);
  });
  afterAll(() => on?.remove());

  /** Verbs that change nothing, whoever runs them. */
  const looking =
    /^govctl (doctor|status|version|reconcile|help|why R|(promotion|snapshot|dataset|contract|policy|evidence|hold|candidate|apikey|ospa|quality|gate|context) (ls|get|show|active|history|explain|lint|test)|policy diff|audit overdue|log (checkpoint|verify|prove)|handoff (status|lag|type ls)|decision get|config (show|digest)|selftest parity|event tail --from 1)\b/;

  /** About things of examples that no scene has, or about standard input. */
  const notHere = /--fix|--follow|event tail|\$|sha256:\.|dot_tools|\bfirst\b|odd\.yaml| -( |$)/;

  it('they work: no usage error, no bug, nothing that is not found', async () => {
    const lines = [...new Set(told.map(({ line }) => line))].filter((line) => looking.test(line) && !notHere.test(line));
    const runnable = lines.flatMap((line) => {
      const words = wordsOf(line).map((word, index) => (index > 2 ? (known[word] ?? word) : word));
      // What is still a placeholder is about something this scene does not have.
      return words.slice(1).some((word) => /‹.*›|<.*>|^[A-Z][A-Z_.a-z]*$/.test(word) && !/^(RAW|GDP|KPI)$/.test(word))
        ? []
        : [{ line, argv: words.slice(1) }];
    });
    expect(runnable.length).toBeGreaterThan(45);
    const env = { GOVCTL_CONFIG: join(on.at.state, 'govctl.yaml'), GOVCTL_GOVD: daemonPath, PATH: process.env.PATH };
    const wrong: string[] = [];
    for (const { line, argv } of runnable) {
      const { streams, stderr } = fakeStreams();
      const code = await runProgram(program, argv, {
        streams,
        env,
        cwd: on.at.folder,
        signal: new AbortController().signal,
        now: () => new Date(),
      });
      if ([1, 2, 5, 6, 11, 20].includes(code)) wrong.push(`${line} -> ${code}: ${stderr()}`);
    }
    expect(wrong).toEqual([]);
  });
});
