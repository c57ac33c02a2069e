import { join } from 'node:path';
import { cleanEnv, initState, runNode, startDaemon } from './daemon.ts';
import { governDatasets } from './govern.ts';
import { barOf, type Lab, type Measurement, milliseconds, type Section, spreadText, times } from './measurement.ts';
import { quantile, spreadOf, timed } from './spread.ts';

type Command = { readonly name: string; readonly argv: readonly string[]; readonly exit: number };

/** Milliseconds of each command as a process, from start to end, in turns. */
async function inTurns(commands: readonly Command[], env: NodeJS.ProcessEnv, rounds: number): Promise<number[][]> {
  const took = commands.map(() => [] as number[]);
  for (let round = -2; round < rounds; round += 1) {
    for (const [place, { name, argv, exit }] of commands.entries()) {
      const seconds = await timed(async () => {
        const { code, out } = await runNode(argv, env);
        if (code !== exit) throw new Error(`${name} ended with ${code}: ${out}`);
      });
      if (round >= 0) took[place]?.push(seconds * 1000);
    }
  }
  return took;
}

async function run(lab: Lab): Promise<Section> {
  const rounds = lab.quick ? 5 : 40;
  const govctl = join(lab.root, 'packages/cli/bin/govctl.mjs');
  const state = await initState(lab);
  governDatasets(lab, state);
  const daemon = await startDaemon(lab, state);
  try {
    const env = { ...cleanEnv(), GOVCTL_CONFIG: join(state, 'govctl.yaml') };
    const facts = join(lab.folder, 'facts.json');
    const promote = [govctl, 'promote', 'orders-1', '--from', 'RAW', '--to', 'GDP', '--snapshot', 'snap-1'];
    const saved = await runNode([...promote, '--dry-run', '--save-facts', facts], env);
    if (saved.code !== 0) throw new Error(`the dry run ended with ${saved.code}: ${saved.out}`);
    const start: Command[] = [
      { name: 'node -e 0', argv: ['-e', '0'], exit: 0 },
      { name: 'govctl version', argv: [govctl, 'version'], exit: 0 },
    ];
    const dryRuns: Command[] = [
      { name: 'govctl promote --dry-run (facts from govd, decided here, compared)', argv: [...promote, '--dry-run'], exit: 0 },
      { name: 'govctl promote --dry-run=server', argv: [...promote, '--dry-run=server'], exit: 0 },
      { name: 'govctl promote --dry-run=offline', argv: [govctl, 'promote', 'orders-1', '--dry-run=offline', '--facts', facts], exit: 0 },
    ];
    const [empty = [], version = []] = await inTurns(start, env, rounds);
    const dry = await inTurns(dryRuns, env, Math.ceil(rounds / 2));
    const ratio = spreadOf(version.map((took, round) => took / (empty[round] ?? took)));
    const row = ({ name }: Command, took: readonly number[]) => [name, spreadText(spreadOf(took), milliseconds)];
    return {
      title: 'Commands',
      text: [
        `Whole commands, from start of the process to its end, without NODE_EXTRA_CA_CERTS, on the same Node binary and in turns (${rounds} rounds, dry runs half as many). The ratio is that of neighbours in one round. Dry runs ask a warm daemon, except the offline one, which opens no connection.`,
      ],
      tables: [
        {
          title: 'Time of a command',
          head: ['command', 'time'],
          rows: [
            ...start.map((one, place) => row(one, [empty, version][place] ?? [])),
            ...dryRuns.map((one, place) => row(one, dry[place] ?? [])),
          ],
        },
      ],
      bars: [
        barOf('govctl version against node -e 0', ratio, { most: 1.5 }, times),
        barOf('dry run as a whole command, warm daemon', spreadOf([quantile(dry[0] ?? [], 0.5)]), { most: 150 }, milliseconds),
      ],
      data: { empty, version, dry: Object.fromEntries(dryRuns.map(({ name }, place) => [name, dry[place]])) },
    };
  } finally {
    await daemon.stop();
  }
}

export const command: Measurement = { name: 'command', run };
