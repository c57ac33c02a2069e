import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScripts } from './script.ts';

/** What each shell does with a script: offers for the words typed so far. */
const shells = {
  bash: `. ./script; COMP_LINE='govctl promote o'; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=($COMP_LINE); _govctl govctl; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `autoload -Uz compinit; compinit -u -D; . ./script; _describe() { print -rl -- \${(P)2} }; words=(govctl promote o); CURRENT=3; _govctl`,
  fish: `source ./script; complete -C 'govctl promote o'`,
} as const;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-completion-'));
  // Stands in for govctl: a value that a shell would expand, if any of this went through eval.
  writeFileSync(join(folder, 'govctl'), `#!/bin/sh\nprintf 'orders\\tof a shop\\no$(touch pwned)\\t; touch pwned\\n'\n`);
  chmodSync(join(folder, 'govctl'), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(Object.entries(shells))('in a real %s', (shell, typed) => {
  const flags = shell === 'zsh' ? ['-f'] : shell === 'fish' ? ['--no-config'] : ['--norc'];
  const absent = spawnSync(shell, ['-c', 'true']).error !== undefined;

  it.skipIf(absent)('the script offers what govctl answers, and runs none of it', { timeout: 60_000 }, () => {
    writeFileSync(join(folder, 'script'), completionScripts[shell] ?? '');
    const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH ?? ''}`, HOME: folder };
    const { stdout, stderr } = spawnSync(shell, [...flags, '-c', typed], { cwd: folder, env, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^orders/m);
    expect(stdout).toContain('touch pwned');
    expect(spawnSync('ls', [folder], { encoding: 'utf8' }).stdout).not.toContain('pwned');
  });
});
