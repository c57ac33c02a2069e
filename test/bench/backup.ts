import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnv, initState, runNode, startDaemon } from './daemon.ts';
import type { Lab, Measurement, Section } from './measurement.ts';
import { timed } from './spread.ts';

const mebibyte = 1024 * 1024;

/** Objects of one MiB, as the store keeps them: what is in them does not matter to a backup. */
function fillObjects(state: string, bytes: number): void {
  for (let done = 0; done < bytes; done += mebibyte) {
    const content = randomBytes(mebibyte);
    const hex = createHash('sha256').update(content).digest('hex');
    const shard = join(state, 'objects', hex.slice(0, 2));
    mkdirSync(shard, { recursive: true });
    writeFileSync(join(shard, hex.slice(2)), content);
  }
}

async function run(lab: Lab): Promise<Section> {
  const bytes = (lab.quick ? 50 : 1024) * mebibyte;
  const govctl = join(lab.root, 'packages/cli/bin/govctl.mjs');
  const govd = join(lab.root, 'packages/agent/bin/govd');
  const state = await initState(lab);
  fillObjects(state, bytes);
  const daemon = await startDaemon(lab, state);
  const env = { ...cleanEnv(), GOVCTL_CONFIG: join(state, 'govctl.yaml') };
  const command = async (...argv: readonly string[]) => {
    const { code, out } = await runNode([govctl, ...argv], env);
    if (code !== 0) throw new Error(`govctl ${argv.join(' ')} ended with ${code}: ${out}`);
  };
  const at = (name: string) => join(lab.folder, name);
  const rows: [string, number][] = [];
  const measure = async (name: string, work: () => Promise<void> | void) => {
    execFileSync('sync');
    const seconds = await timed(async () => await work());
    rows.push([name, seconds]);
    lab.tell(`${name}: ${seconds.toFixed(1)} s`);
  };
  const synced = (work: () => void) => () => {
    work();
    // The floor flushes too: an archive that is not on the disk is no copy.
    execFileSync('sync');
  };
  let peak = 0;
  try {
    await measure(
      'cp -a of the objects, and sync',
      synced(() => cpSync(join(state, 'objects'), at('copy'), { recursive: true })),
    );
    rmSync(at('copy'), { recursive: true });
    await measure(
      'tar of the objects, and sync',
      synced(() => void execFileSync('tar', ['-cf', at('floor.tar'), '-C', state, 'objects'])),
    );
    await measure('govctl backup create', () => command('backup', 'create', '-O', at('backup.tar')));
    peak = daemon.memory().peak;
    await measure('govctl backup inspect', () => command('backup', 'inspect', at('backup.tar')));
    await measure(
      'tar -x of the archive, and sync',
      synced(() => {
        mkdirSync(at('out'));
        execFileSync('tar', ['-xf', at('floor.tar'), '-C', at('out')]);
      }),
    );
    rmSync(at('out'), { recursive: true });
    await measure('govctl backup restore (every digest and the log verified)', () =>
      command('backup', 'restore', at('backup.tar'), '--state-dir', at('restored'), '--govd', govd),
    );
  } finally {
    await daemon.stop();
  }
  const rate = (seconds: number) => `${(bytes / mebibyte / seconds).toFixed(0)} MiB/s`;
  return {
    title: 'Backup and restore',
    text: [
      `A deployment with ${bytes / mebibyte} MiB of objects of one MiB, one after the other on the same disk. The archive has ${(statSync(at('backup.tar')).size / mebibyte).toFixed(0)} MiB. create hashes every byte twice (daemon and client) and flushes; restore hashes, flushes each file, and has govd verify the log. The daemon had at most ${(peak / mebibyte).toFixed(0)} MiB resident.`,
    ],
    tables: [
      {
        title: 'Time of a copy, and of coming back',
        head: ['what', 'seconds', 'rate'],
        rows: rows.map(([name, seconds]) => [name, seconds.toFixed(2), rate(seconds)]),
      },
    ],
    bars: [],
    data: { bytes, seconds: Object.fromEntries(rows), daemon_peak_bytes: peak },
  };
}

export const backup: Measurement = { name: 'backup', run };
