import { describe, expect, it } from 'vitest';
import { fakeContext, fakeStreams } from '../command.fixture.ts';
import { wantsColor } from './color.ts';
import { progressText, startProgress } from './progress.ts';

describe('colour', () => {
  it.each([
    [{}, true, false, true],
    [{}, false, false, false],
    [{ NO_COLOR: '1' }, true, false, false],
    [{ NO_COLOR: '' }, true, false, true],
    [{ TERM: 'dumb' }, true, false, false],
    [{ FORCE_COLOR: '1' }, false, false, true],
    [{ FORCE_COLOR: '0' }, true, false, false],
    [{ FORCE_COLOR: '1', TERM: 'dumb' }, false, false, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, false, false],
    [{ FORCE_COLOR: '1' }, true, true, false],
  ])('%j on a terminal %s with --no-color %s: %s', (env, terminal, noColor, expected) => {
    expect(wantsColor(env, terminal, noColor)).toBe(expected);
  });
});

describe('questions', () => {
  const question = { question: 'Delete it?', flag: '--yes' };

  it('are not asked where nobody is', async () => {
    for (const settings of [{}, { noInput: true }, { env: { CI: 'true' } }]) {
      const { context } = fakeContext({ terminal: settings.noInput === true || settings.env !== undefined, settings });
      await expect(context.io.confirm(question)).rejects.toMatchObject({ code: 'prompt-needed', hint: 'give --yes' });
      await expect(context.io.ask(question)).rejects.toMatchObject({ code: 'prompt-needed' });
    }
  });

  it('a moderate one takes --yes, a severe one takes the name', async () => {
    const { context } = fakeContext({ globals: { yes: true } });
    await context.io.confirm(question);
    const severe = { question: 'Delete it?', flag: '--confirm', name: 'orders' };
    await context.io.confirmName({ ...severe, given: 'orders' });
    await expect(context.io.confirmName({ ...severe, given: 'order' })).rejects.toMatchObject({ code: 'usage' });
    await expect(context.io.confirmName({ ...severe, given: undefined })).rejects.toMatchObject({
      code: 'prompt-needed',
      hint: 'give --confirm orders',
    });
  });
});

describe('standard input', () => {
  it('is read to its end, up to a limit', async () => {
    expect((await fakeContext({ stdin: 'hello' }).context.io.readStdin(5)).toString()).toBe('hello');
    await expect(fakeContext({ stdin: 'hello!' }).context.io.readStdin(5)).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('notes and warnings', () => {
  it('stay away from programs and from --quiet', async () => {
    const both = async (settings: object) => {
      const { context, stderr, stdout } = fakeContext({ settings });
      await context.io.note('a note');
      await context.io.warn('a warning');
      expect(stdout()).toBe('');
      return stderr();
    };
    expect(await both({})).toBe('a note\nwarning: a warning\n');
    expect(await both({ quiet: true })).toBe('warning: a warning\n');
    expect(await both({ machine: true })).toBe('');
  });
});

describe('progress', () => {
  it('is one plain line per phase without a terminal', async () => {
    const { streams, stderr } = fakeStreams();
    let clock = 0;
    const progress = await startProgress('hashing', { sink: streams.stderr, silent: false, color: false, now: () => clock });
    for (let done = 0; done <= 1000; done += 1) progress.update({ done, total: 1000, unit: 'files' });
    progress.phase('uploading');
    clock = 2000;
    progress.update({ done: 4096 * 1024, total: 4096 * 1024, unit: 'bytes' });
    await progress.done();
    expect(stderr()).toBe('hashing\nuploading\nuploading: 100% of 4.0 MiB, 2.0 MiB/s\n');
  });

  it('does not draw on a terminal that does not know its width', async () => {
    const { streams, stderr } = fakeStreams({ terminal: true });
    Object.assign(streams.stderr.raw, { columns: 0 });
    const progress = await startProgress('hashing', { sink: streams.stderr, silent: false, color: true });
    progress.phase('uploading');
    await progress.done();
    expect(stderr()).toBe('hashing\nuploading\nhashing: done\n');
  });

  it('says nothing when it is to be silent', async () => {
    const { streams, stderr } = fakeStreams({ terminal: true });
    const progress = await startProgress('hashing', { sink: streams.stderr, silent: true, color: true });
    progress.phase('more');
    await progress.fail();
    expect(stderr()).toBe('');
  });

  it('tells share, rate and time left', () => {
    expect(progressText({ done: 35_217, total: 70_434, unit: 'rows' }, 1)).toBe('50% of 70.4k rows, 35.2k rows/s, 1s left');
    expect(progressText({ done: 0, total: 10, unit: 'files' }, 0)).toBe('0% of 10 files');
    expect(progressText({ done: 500, unit: 'leaves' }, 2)).toBe('500 leaves, 250 leaves/s');
  });
});
