import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanEnv, initState, startDaemon } from './daemon.ts';
import { type JobBed, type JobRunner, jobBed, jobRunner } from './job-bed.ts';
import { type Lab, type Measurement, milliseconds, type Section, spreadText, times } from './measurement.ts';
import { spreadOf, timed } from './spread.ts';

const workspaces = 8;
const step = (name: string) => `{ name: ${name}, command: ['true'] }`;

/** Jobs of one step from submission to end, one after another in each workspace; answers how many a second. */
async function throughput(runner: JobRunner, bed: JobBed, round: number, jobs: number): Promise<number> {
  let left = jobs;
  const client = async (place: number) => {
    const source = bed.file({ workspace: `queue-${place}`, steps: [step('only')] });
    while (left > 0) {
      left -= 1;
      await runner.run(`job-${round}-${left}`, source);
    }
  };
  const seconds = await timed(() => Promise.all(Array.from({ length: workspaces }, (_, place) => client(place))));
  return jobs / seconds;
}

/** Milliseconds of a step, from the beginning of the first to the end of the last as the manifest has them. */
async function stepsOfJob(runner: JobRunner, bed: JobBed, round: number, steps: number): Promise<number> {
  const source = bed.file({ workspace: 'steps', steps: Array.from({ length: steps }, (_, at) => step(`s${at}`)) });
  const { manifest } = await runner.run(`steps-${round}`, source);
  const [first, last] = [manifest[0], manifest.at(-1)];
  if (first === undefined || last === undefined || manifest.length !== steps) throw new Error(`the manifest has ${manifest.length} steps`);
  return (Date.parse(last.ended) - Date.parse(first.started)) / steps;
}

/** Milliseconds of the same processes, started one after another with the same library call: a group of its own, output read to its end. */
async function bareSteps(steps: number): Promise<number> {
  const seconds = await timed(async () => {
    for (let at = 0; at < steps; at += 1) {
      const child = spawn('true', [], { env: cleanEnv(), detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.resume();
      child.stderr.resume();
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) throw new Error(`true ended with ${code}`);
    }
  });
  return (seconds * 1000) / steps;
}

async function run(lab: Lab): Promise<Section> {
  const rounds = lab.quick ? 1 : 5;
  const jobs = lab.quick ? 16 : 160;
  const steps = lab.quick ? 30 : 200;
  const state = await initState(lab);
  const daemon = await startDaemon(lab, state);
  const rates: number[] = [];
  const through: number[] = [];
  const bare: number[] = [];
  try {
    const bed = await jobBed(lab, state);
    const runner = await jobRunner(daemon);
    await throughput(runner, bed, 0, workspaces * 2);
    for (let round = 1; round <= rounds; round += 1) {
      rates.push(await throughput(runner, bed, round, jobs));
      bare.push(await bareSteps(steps));
      through.push(await stepsOfJob(runner, bed, round, steps));
      lab.tell(
        `round ${round}: ${rates.at(-1)?.toFixed(1)} runs/s; a step ${milliseconds(through.at(-1) ?? 0)}, bare ${milliseconds(bare.at(-1) ?? 0)}`,
      );
    }
    runner.close();
  } finally {
    await daemon.stop();
  }
  const overhead = through.map((took, round) => took - (bare[round] ?? 0));
  const ratio = through.map((took, round) => took / (bare[round] ?? Number.NaN));
  return {
    title: 'Jobs: starts, and what a step costs',
    text: [
      `A run is a job of one step, from its submission over HTTP to its end: admission, verified copies of its inputs, lock, five or more durable commits, a process, manifest, decision, signed records, receipt of the step. ${workspaces} workspaces have one client each, which submits the next job when the stream of events has told it that the last one ended, and reads that run; govd runs four at a time, as it does by default.`,
      `A step is \`true\`, ${steps} of them in one job, one after another; its time is that of the manifest, from the beginning of the first to the end of the last. Beside it stand the same ${steps} processes started by the benchmark itself, in a group of their own, their output read to its end. What govd adds to a step: the beginning is on record before it starts, its output is an object, processes that it left behind are looked for, its pinned inputs are looked at again, its end is on record: two durable commits and a file that is flushed.`,
      `The sides take turns. Figures are the median and, in brackets, the least and the greatest of ${rounds} rounds.`,
    ],
    tables: [
      {
        title: 'Runs',
        head: ['workspaces', 'runs a second, started and ended'],
        rows: [[String(workspaces), spreadText(spreadOf(rates), (value) => value.toFixed(1))]],
      },
      {
        title: 'A step of a job, and the same process bare',
        head: ['step of a job', 'bare process', 'overhead', 'ratio'],
        rows: [
          [
            spreadText(spreadOf(through), milliseconds),
            spreadText(spreadOf(bare), milliseconds),
            spreadText(spreadOf(overhead), milliseconds),
            spreadText(spreadOf(ratio), times),
          ],
        ],
      },
    ],
    bars: [],
    data: { rates, through, bare },
  };
}

export const job: Measurement = { name: 'job', run };
