import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { program } from '../program.ts';

const folder = join(import.meta.dirname, '../../../../docs/man');
const pages = readdirSync(folder);
const has = (tool: string) => spawnSync(tool, ['-T', 'utf8'], { input: '' }).error === undefined;
const linter = has('mandoc')
  ? ['mandoc', '-T', 'lint', '-W', 'warning']
  : has('groff')
    ? ['groff', '-man', '-ww', '-z', '-K', 'utf8']
    : undefined;

describe('manual pages', () => {
  it('there is one for every command that is listed, for the daemon and for what both read', () => {
    const entries = program.flatMap((entry) =>
      entry.kind === 'noun' ? [entry.name] : entry.declaration.hidden === true ? [] : [entry.declaration.name],
    );
    const expected = [
      ...entries.map((name) => `govctl-${name}.1`),
      'govctl.1',
      'govd.8',
      'govd.yaml.5',
      'govctl-config.5',
      'govctl-exit-codes.7',
      'govctl-output.7',
    ];
    expect([...pages].sort()).toEqual(expected.sort());
  });

  it('say what the flags say: roff loses nothing of them', () => {
    const text = readFileSync(join(folder, 'govctl-promote.1'), 'utf8');
    expect(text).toContain('\\fB\\-\\-dry\\-run[=WHERE]\\fR');
    // A line that begins with a dot or an apostrophe and is no request would vanish.
    for (const page of pages)
      for (const line of readFileSync(join(folder, page), 'utf8').split('\n'))
        expect(line, page).toMatch(/^(?!['.])|^\.(TH|SH|SS|PP|TP|BR|nf|fi)( |$)/);
  });

  it.skipIf(linter === undefined)('are taken by the linter without a warning', () => {
    const [tool = '', ...flags] = linter ?? [];
    const { status, stdout, stderr } = spawnSync(tool, [...flags, ...pages.map((page) => join(folder, page))], { encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
  });
});
