import { pino } from 'pino';
import { expect, it } from 'vitest';
import { startLoop } from '../loop/loop.ts';
import { loopWatch } from '../loop/loop-watch.ts';
import { activatedSockets } from './activation.ts';
import { startSupervision } from './supervision.ts';

const logger = pino({ level: 'silent' });
const ok = { ready: true, checks: [{ name: 'disk', ok: true, detail: 'fine' }] };
const full = { ready: false, checks: [{ name: 'disk', ok: false, detail: 'full' }] };

/** A supervision whose timer is turned by hand. */
function supervised(watchdogUsec = 8_000_000) {
  const told: Record<string, string | number>[] = [];
  const timers = new Map<() => void, number>();
  const bed = {
    told,
    readiness: full as typeof ok,
    stalled: [] as string[],
    limits: new Set<number>(),
    period: () => [...timers.values()],
  };
  const supervision = startSupervision({
    daemon: {
      readiness: () => bed.readiness,
      stalled(limitMs) {
        bed.limits.add(limitMs);
        return bed.stalled;
      },
    },
    notify: (state) => told.push(state),
    logger,
    watchdogUsec,
    monotonicUsec: () => 42n,
    every(milliseconds, work) {
      const entry = () => work();
      timers.set(entry, milliseconds);
      return () => timers.delete(entry);
    },
  });
  return { ...bed, bed, supervision, beat: () => [...timers.keys()].map((each) => each()), last: () => told.at(-1) };
}

it('is ready when readiness is, and asks for patience until then', () => {
  const { bed, beat, last, period } = supervised();
  expect(last()).toEqual({ EXTEND_TIMEOUT_USEC: 30_000_000, STATUS: 'serving, but not ready: disk: full' });
  beat();
  expect(last()).toEqual({ EXTEND_TIMEOUT_USEC: 30_000_000 });
  bed.readiness = ok;
  beat();
  expect(last()).toEqual({ READY: 1, STATUS: 'serving' });
  expect(period()).toEqual([2000]);
  beat();
  expect(last()).toEqual({ WATCHDOG: 1 });
});

it('not ready is not hung: the signs of life go on and the status says what is missing', () => {
  const { bed, beat, last } = supervised();
  bed.readiness = ok;
  beat();
  bed.readiness = full;
  beat();
  expect(last()).toEqual({ WATCHDOG: 1, STATUS: 'serving, but not ready: disk: full' });
});

it('a loop that hangs ends the signs of life, before ready and after; one that goes on brings them back', () => {
  const { bed, beat, told } = supervised();
  bed.readiness = ok;
  bed.stalled = ['tail'];
  const signs = () => told.filter((each) => 'READY' in each || 'WATCHDOG' in each || 'EXTEND_TIMEOUT_USEC' in each).length;
  const before = signs();
  for (let turn = 0; turn < 5; turn += 1) beat();
  expect(signs()).toBe(before);
  expect(told.filter((each) => each.STATUS === 'hung: tail')).toHaveLength(1);
  expect([...bed.limits]).toEqual([4000]);
  bed.stalled = [];
  beat();
  expect(told.at(-1)).toEqual({ READY: 1, STATUS: 'serving' });
});

it('without a watchdog nothing counts as hung', () => {
  const { bed } = supervised(0);
  expect([...bed.limits]).toEqual([Number.POSITIVE_INFINITY]);
});

it('tells of a reload with the time systemd compares, and keeps what it left to be said', async () => {
  const { bed, beat, supervision, told } = supervised();
  bed.readiness = ok;
  beat();
  await supervision.reloading(async () => 'the new configuration is refused');
  expect(told.slice(-2)).toEqual([
    { RELOADING: 1, MONOTONIC_USEC: '42', STATUS: 'reading the configuration again' },
    { READY: 1, STATUS: 'serving; the new configuration is refused' },
  ]);
  beat();
  expect(told.at(-1)).toEqual({ WATCHDOG: 1 });
});

it('a reload before it is ready does not make it ready', async () => {
  const { supervision, told } = supervised();
  await supervision.reloading(async () => '');
  expect(told.some((each) => 'READY' in each || 'RELOADING' in each)).toBe(false);
});

it('ends with the time it needs', () => {
  const { supervision, told, period } = supervised();
  supervision.stopping(30_000);
  expect(told.at(-1)).toMatchObject({ STOPPING: 1, EXTEND_TIMEOUT_USEC: 30_000_000 });
  expect(period()).toEqual([]);
});

it('a round that never ends is a stalled loop; one that says it goes on, one that fails, or a pause, is not', async () => {
  let at = 0;
  const watch = loopWatch();
  const common = { now: () => '2026-01-01T00:00:00.000Z', logger, watch, monotonicMs: () => at };
  let release = (_pause: number) => {};
  const hangs = startLoop({ ...common, name: 'hangs', round: () => new Promise<number>((resolve) => (release = resolve)) });
  let goesOn = () => {};
  const works = startLoop({
    ...common,
    name: 'works',
    round: async (signal, said) => {
      goesOn = said;
      return await new Promise<number>((resolve) => signal.addEventListener('abort', () => resolve(0)));
    },
  });
  const fails = startLoop({
    ...common,
    name: 'fails',
    round: async () => {
      throw new Error('no');
    },
  });
  const pauses = startLoop({ ...common, name: 'pauses', round: async () => 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  at = 3000;
  goesOn();
  at = 5000;
  expect(watch.stalled(4000)).toEqual(['hangs']);
  release(60_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(watch.stalled(4000)).toEqual([]);
  await Promise.all([hangs.stop(), works.stop(), fails.stop(), pauses.stop()]);
});

it('takes the sockets that were handed to it, by name, and no others', () => {
  const env = (names: string, count: number, pid = '7') => ({ LISTEN_PID: pid, LISTEN_FDS: String(count), LISTEN_FDNAMES: names });
  expect(activatedSockets(env('operator:admin', 2), 7)).toEqual({ operator: 3, admin: 4 });
  expect(activatedSockets(env('admin:operator', 2), 7)).toEqual({ operator: 4, admin: 3 });
  expect(activatedSockets(env('govd.socket', 1), 7)).toEqual({ operator: 3 });
  expect(activatedSockets(env('operator:admin', 2, '8'), 7)).toEqual({});
  expect(activatedSockets({}, 7)).toEqual({});
  for (const [names, count] of [
    ['operator:metrics', 2],
    ['operator:operator', 2],
    ['operator', 2],
  ] as const)
    expect(() => activatedSockets(env(names, count), 7), names).toThrow(/operator and admin/);
});
