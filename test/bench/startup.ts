import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootAvailability, bootMachine, checkoutInside } from '../systemd/machine.ts';
import { cleanEnv, initState, startDaemon } from './daemon.ts';
import { type Lab, type Measurement, milliseconds, type Section, spreadText } from './measurement.ts';
import { spreadOf } from './spread.ts';

/** Milliseconds from the start of the process to the first 200 of /readyz, asked every few milliseconds. */
async function alone(lab: Lab, rounds: number): Promise<number[]> {
  const state = await initState(lab);
  const took: number[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const started = performance.now();
    const daemon = await startDaemon(lab, state);
    if (round >= 0) took.push(performance.now() - started);
    await daemon.stop();
  }
  return took;
}

/** Milliseconds of an empty program, for comparison. */
async function empty(rounds: number): Promise<number[]> {
  const took: number[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const started = performance.now();
    const child = spawn(process.execPath, ['-e', '0'], { env: cleanEnv(), stdio: 'ignore' });
    await new Promise((resolve) => child.once('exit', resolve));
    if (round >= 0) took.push(performance.now() - started);
  }
  return took;
}

/** Milliseconds from exec to READY=1 as systemd itself has written them down, sandbox and all. */
async function underSystemd(lab: Lab, rounds: number): Promise<number[]> {
  const machine = await bootMachine(lab.root);
  try {
    const installed = await machine.run(`${checkoutInside}/node_modules/.bin/govd`, 'install');
    if (installed.code !== 0) throw new Error(`govd install: ${installed.out}`);
    const took: number[] = [];
    for (let round = -1; round < rounds; round += 1) {
      const restarted = await machine.run('systemctl', 'restart', 'govd.service');
      if (restarted.code !== 0) throw new Error(`systemctl restart: ${restarted.out}`);
      const { out } = await machine.run(
        'systemctl',
        'show',
        'govd.service',
        '-p',
        'ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic',
      );
      const at = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(out)?.[1] ?? Number.NaN);
      if (round >= 0) took.push((at('ActiveEnterTimestampMonotonic') - at('ExecMainStartTimestampMonotonic')) / 1000);
      await sleep(200);
    }
    return took;
  } finally {
    await machine.remove();
  }
}

async function run(lab: Lab): Promise<Section> {
  const rounds = lab.quick ? 3 : 20;
  const node = await empty(rounds);
  const plain = await alone(lab, rounds);
  const boot = bootAvailability();
  if (boot.skip) lab.tell(`no figures under systemd${boot.note}`);
  const supervised = boot.skip ? [] : await underSystemd(lab, rounds);
  const row = (name: string, took: readonly number[]) => [
    name,
    took.length === 0 ? 'not measured here' : spreadText(spreadOf(took), milliseconds),
  ];
  return {
    title: 'Start-up',
    text: [
      `Until govd is ready, on SQLite with an empty state, ${rounds} times each. As a process: from its start to the first 200 of /readyz. Under systemd: from exec to READY=1 as systemd has written them down, with the whole unit (namespaces, credentials, handed-over sockets), in a machine booted for it.`,
    ],
    tables: [
      {
        title: 'Time to ready',
        head: ['what', 'time'],
        rows: [row('node -e 0, for comparison', node), row('govd run', plain), row('govd.service', supervised)],
      },
    ],
    bars: [],
    data: { node, plain, supervised },
  };
}

export const startup: Measurement = { name: 'startup', run };
