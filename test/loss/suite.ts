import { startPostgres } from '../postgres/server.ts';
import { contenders } from './contender.ts';
import { parseOptions, type SuiteOptions, Usage } from './option.ts';
import { outcomeOf } from './outcome.ts';
import { runText, writeResults } from './report.ts';
import { type RunResult, runSeed, serverSettings } from './run.ts';

const say = (text: string) => process.stdout.write(`${text}\n`);

/** Every seed on one server; whether nothing was found. */
async function runSuite(root: string, { seeds, tailers, ...options }: SuiteOptions): Promise<boolean> {
  const makers = Object.entries(contenders).flatMap(([name, make]) => (tailers.includes(name) ? [make] : []));
  const server = await startPostgres({ settings: serverSettings });
  try {
    say(`PostgreSQL ${server.version}. Latency is from commit to delivery, of what was delivered.\n`);
    const runs: RunResult[] = [];
    for (const seed of seeds) {
      const run = await runSeed(server, { ...options, seed }, makers);
      runs.push(run);
      say(`${runText(run)}\n`);
    }
    const { passed, findings } = outcomeOf(runs);
    for (const finding of findings) say(finding);
    say(`\n${passed ? 'passed' : 'FAILED'}; figures: ${writeResults(root, runs, server.version)}`);
    return passed;
  } finally {
    await server.remove();
  }
}

/** The command; its exit code. */
export async function runFaults(root: string, argv: readonly string[]): Promise<number> {
  try {
    return (await runSuite(root, parseOptions(argv, Object.keys(contenders)))) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Usage)) throw error;
    process.stderr.write(
      `error: ${error.message}\nfix: npm run faults -- handoff [--seed 1,2,3] [--seconds 20] [--writers 24] [--raids] [--tailer ${Object.keys(contenders).join(',')}]\n`,
    );
    return 2;
  }
}
