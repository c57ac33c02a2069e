import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { initState, startDaemon } from './daemon.ts';
import { governDatasets, promoteAll } from './govern.ts';
import { count, type Lab, type Measurement, microseconds, percent, type Section } from './measurement.ts';
import { timed } from './spread.ts';
import { type CpuProfile, stages, stagesOf } from './stage-profile.ts';

/** The daemon with its function names, where Node finds its libraries. */
async function buildNamed(lab: Lab): Promise<{ readonly program: string; remove(): void }> {
  const agent = join(lab.root, 'packages/agent');
  const { version, dependencies } = JSON.parse(readFileSync(join(agent, 'package.json'), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
  };
  const outdir = join(agent, 'node_modules/.cache', `bench-${process.pid}`);
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: { main: join(agent, 'src/main.ts') },
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    splitting: true,
    keepNames: true,
    outExtension: { '.js': '.mjs' },
    external: Object.keys(dependencies).filter((name) => !name.startsWith('@govctl/')),
    loader: { '.sql': 'text', '.yaml': 'text' },
    define: { __VERSION__: JSON.stringify(version) },
    logLevel: 'warning',
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  });
  return { program: join(outdir, 'main.mjs'), remove: () => rmSync(outdir, { recursive: true, force: true }) };
}

const monotonicMicroseconds = () => Number(process.hrtime.bigint() / 1000n);

async function profileOf(lab: Lab, program: string, clients: number, promotions: number) {
  const profiles = mkdtempSync(join(lab.folder, 'profile-'));
  const state = await initState(lab);
  governDatasets(lab, state);
  const node = ['--cpu-prof', `--cpu-prof-dir=${profiles}`, '--cpu-prof-interval=200'];
  const daemon = await startDaemon(lab, state, { node, program });
  let [from, to, seconds] = [0, 0, 0];
  try {
    await promoteAll(daemon, lab.quick ? 320 : 3200, clients);
    from = monotonicMicroseconds();
    seconds = await timed(() => promoteAll(daemon, promotions, clients));
    to = monotonicMicroseconds();
  } finally {
    await daemon.stop();
  }
  const [file] = readdirSync(profiles).filter((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('the daemon left no profile');
  const profile = JSON.parse(readFileSync(join(profiles, file), 'utf8')) as CpuProfile;
  const { total, of, functions } = stagesOf(profile, from, to);
  if (total === 0) throw new Error('the profile has no sample of the measured time');
  const shares = new Map([...of].map(([stage, value]) => [stage, value / total]));
  return { clients, promotions, seconds, of: shares, top: topOf(functions, total) };
}

/** The functions most samples of a stage were taken in, as shares of the whole. */
function topOf(functions: ReturnType<typeof stagesOf>['functions'], total: number): Record<string, Record<string, number>> {
  return Object.fromEntries(
    [...functions].map(([stage, of]) => [
      stage,
      Object.fromEntries(
        [...of]
          .toSorted((a, b) => b[1] - a[1])
          .slice(0, 8)
          .map(([name, value]) => [name, Number((value / total).toFixed(4))]),
      ),
    ]),
  );
}

async function run(lab: Lab): Promise<Section> {
  const { program, remove } = await buildNamed(lab);
  try {
    const one = await profileOf(lab, program, 1, lab.quick ? 300 : 3000);
    const many = await profileOf(lab, program, 32, lab.quick ? 640 : 9600);
    const cells = ({ of, seconds, promotions }: typeof one, stage: (typeof stages)[number]) => {
      const share = of.get(stage) ?? 0;
      return [microseconds((share * seconds * 1e6) / promotions), percent(share)];
    };
    return {
      title: 'Where the time of a promotion goes',
      text: [
        `A sampling profile (--cpu-prof, every 200 µs) of a daemon built with its function names, while promotions are sent; only samples of that time count. A sample belongs to the innermost function that stands for a stage, native calls to whoever called them. SQL is the statements of the write path, sync its BEGIN and COMMIT (which flush), unit the planning of rows, records and events, runtime what V8 and libuv do outside of any function of ours (socket reads and writes among it). The profiler costs some of the speed: ${count(many.promotions / many.seconds)} promotions a second with 32 clients under it.`,
      ],
      tables: [
        {
          title: 'A promotion of one client, and of 32',
          head: ['stage', '1 client', 'share', '32 clients', 'share'],
          rows: stages.map((stage) => [stage, ...cells(one, stage), ...cells(many, stage)]),
        },
      ],
      bars: [],
      data: {
        one: { ...one, of: Object.fromEntries(one.of) },
        many: { ...many, of: Object.fromEntries(many.of) },
      },
    };
  } finally {
    remove();
  }
}

export const stage: Measurement = { name: 'stage', run };
