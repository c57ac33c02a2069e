import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectClean, expectInvariants, promotionOf, type Scene, scene } from './scene.ts';

/** strace makes the n-th system call of a kind kill the process, or fail: no fail point in the product is asked to cooperate. */
const hasStrace = spawnSync('strace', ['-V']).status === 0;
const root = join(import.meta.dirname, '../..');

// CI never skips: without strace it fails there.
describe.skipIf(!hasStrace && process.env.CI === undefined)(
  `system calls that kill or fail${hasStrace ? '' : ' (SKIPPED: apt-get install strace)'}`,
  () => {
    let on: Scene;
    let saved: string;
    beforeAll(async () => {
      on = await scene();
      await on.at.stop();
      saved = join(on.at.folder, 'saved');
      await cp(on.at.state, saved, { recursive: true });
    });
    afterAll(async () => await on?.remove());

    /** The state as it was before any of these tests; the paths in it stay true. */
    async function fresh(): Promise<void> {
      await on.at.stop('SIGKILL');
      await rm(on.at.state, { recursive: true });
      await cp(saved, on.at.state, { recursive: true });
    }

    type Traced = { readonly gone: Promise<void>; isGone(): boolean; kill(): Promise<void> };

    /** govd under strace. The tracer ends when the traced process does; killed itself, it would leave that one running. */
    function traced(...inject: string[]): Traced {
      const child = spawn(
        'strace',
        [
          '-f',
          '-qq',
          '-o',
          '/dev/null',
          ...inject,
          nodeBinary(),
          join(root, 'packages/agent/bin/govd.mjs'),
          'run',
          '--state-dir',
          on.at.state,
        ],
        { stdio: 'ignore' },
      );
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      const isGone = () => child.exitCode !== null || child.signalCode !== null;
      return {
        gone,
        isGone,
        async kill() {
          const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '');
          for (const pid of children.split(' ').filter((text) => text !== '')) if (!isGone()) process.kill(Number(pid), 'SIGKILL');
          await gone;
        },
      };
    }

    async function ready(patience = 200): Promise<boolean> {
      for (let attempt = 0; attempt < patience; attempt += 1) {
        if ((await on.ask('GET', '/readyz'))?.status === 200) return true;
        await sleep(50);
      }
      return false;
    }

    const dataset = () => {
      const [first] = on.datasets;
      if (first === undefined) throw new Error('no dataset');
      return first;
    };

    /** Promotes until the daemon is gone; every run that was acknowledged, and the one that had no answer. */
    async function promoteUntilGone(daemon: Traced, limit: number): Promise<string[]> {
      const acked: string[] = [];
      for (let n = 0; n < limit && !daemon.isGone(); n += 1) {
        const answer = await on.ask('POST', '/v1/promotions', promotionOf(`run-${n}`, dataset()));
        if (answer?.status === 200) acked.push(`run-${n}`);
        else if (answer === undefined) await sleep(20);
      }
      return acked;
    }

    // Places spread over a start (cursors, second place) and the commits after it; all of them when asked.
    const places = process.env.GOVCTL_FAULTS === 'all' ? Array.from({ length: 120 }, (_, at) => at + 1) : [1, 4, 12, 40];
    it.each(['pwrite64', 'fsync', 'rename'])(
      'kills at the n-th %s lose, double and halve nothing',
      async (call) => {
        let killed = 0;
        for (const place of places) {
          await fresh();
          const daemon = traced('-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${place}`);
          await Promise.race([ready(), daemon.gone]);
          const acked = await promoteUntilGone(daemon, 40);
          killed += Number(daemon.isGone());
          await daemon.kill();
          await on.at.start();
          expectInvariants(on.at, acked);
          for (const run_id of acked) {
            const again = await on.insist('POST', '/v1/promotions', promotionOf(run_id, dataset()));
            expect(again.headers['govctl-replayed']).toBe('true');
          }
          const next = await on.insist('POST', '/v1/promotions', promotionOf('after', dataset()));
          expect(next.status).toBe(200);
          await on.at.stop();
          expectInvariants(on.at, [...acked, 'after']);
        }
        await on.at.start();
        await expectClean(on.at);
        // Calls that a daemon makes only a few times are not reached at every place.
        expect(killed).toBeGreaterThan(0);
      },
      3_600_000,
    );

    it('a flush that fails is not believed: refused, and written again only by a connection that found the log whole', async () => {
      await fresh();
      const daemon = traced('-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO:when=40..44');
      expect(await ready()).toBe(true);
      const acked: string[] = [];
      const refused: string[] = [];
      for (let n = 0; n < 60; n += 1) {
        const answer = await on.ask('POST', '/v1/promotions', promotionOf(`run-${n}`, dataset()));
        if (answer?.status === 200) acked.push(`run-${n}`);
        else {
          expect([answer?.status, JSON.parse(answer?.body ?? '{}').code]).toEqual([503, 'evidence-unavailable']);
          refused.push(`run-${n}`);
        }
      }
      expect(acked.length).toBeGreaterThan(0);
      expect(daemon.isGone()).toBe(false);
      for (const run_id of refused) {
        expect((await on.insist('POST', '/v1/promotions', promotionOf(run_id, dataset()))).status).toBe(200);
        acked.push(run_id);
      }
      await daemon.kill();
      expectInvariants(on.at, acked);
      await on.at.start();
      await expectClean(on.at);
      expect(refused.length).toBeGreaterThan(0);
    }, 600_000);
  },
);

function nodeBinary(): string {
  const modules = join(root, 'node_modules');
  const own = readdirSync(modules)
    .filter((name) => name.startsWith('node-linux-'))
    .map((name) => join(modules, name, 'bin/node'))
    .find((path) => existsSync(path));
  return own ?? process.execPath;
}
