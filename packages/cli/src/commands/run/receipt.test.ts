import { buildReceipt } from '@govctl/core/receipt';
import { describe, expect, it } from 'vitest';
import { deniedRun, sourcesOf } from '../../../../core/src/receipt/receipt.fixture.ts';
import { fakeClient, fakeStreams } from '../../command.fixture.ts';
import { runProgram } from '../../run.ts';
import { runCommands } from './declaration.ts';

const receipt = buildReceipt(sourcesOf(deniedRun()));

async function govctl(argv: readonly string[], { terminal = false, signal = new AbortController().signal } = {}) {
  const { streams, stdout, stderr } = fakeStreams({ terminal });
  const around = { streams, env: {}, cwd: '/', signal, now: () => new Date(0), client: fakeClient({ 'run.receipt': () => receipt }) };
  return { code: await runProgram(runCommands, argv, around), stdout: stdout(), stderr: stderr() };
}

describe('run receipt', () => {
  it('shows it, as a page or a document too, or one field of it', async () => {
    expect((await govctl(['run', 'receipt', 'orders-42'])).stdout).toMatch(/^DENIED\npromotion of orders RAW -> GDP\n/);
    expect((await govctl(['run', 'receipt', 'orders-42', '--details'])).stdout).toContain('Technical details');
    expect((await govctl(['run', 'receipt', 'orders-42', '-o', 'html'])).stdout).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
    expect(JSON.parse((await govctl(['run', 'receipt', 'orders-42', '-o', 'json'])).stdout)).toEqual(receipt);
    expect((await govctl(['run', 'receipt', 'orders-42', '--field', 'verdict.word'])).stdout).toBe('Denied\n');
    expect((await govctl(['run', 'receipt', 'orders-42', '-o', 'name'])).stdout).toBe('orders-42\n');
  });

  it.each([
    [['--open'], /--open opens the page that --web serves/],
    [['--web', '--open'], /--open needs a terminal/],
    [['--web', '-o', 'html'], /^error\[usage\]: [\s\S]*-o html prints the page/],
    [['-o', 'sarif'], /has none/],
  ])('%j is refused before anything is asked', async (flags, why) => {
    const { code, stdout, stderr } = await govctl(['run', 'receipt', 'orders-42', ...flags]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(why);
  });

  it('--web says where the page is, and ends when nobody comes', async () => {
    const { code, stdout, stderr } = await govctl(['run', 'receipt', 'orders-42', '--web', '--timeout', '1s']);
    expect(code).toBe(124);
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\n$/);
    expect(stderr).toContain('nobody fetched the page');
  });

  it('--web ends by Ctrl-C', async () => {
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort('interrupted'), 200);
    const { code, stdout } = await govctl(['run', 'receipt', 'orders-42', '--web'], { signal: interrupt.signal });
    expect([code, stdout]).toEqual([130, expect.stringMatching(/^http/)]);
  });
});
