import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyzerAvailability } from './machine.ts';

const packaging = join(import.meta.dirname, '../../packaging');
const analyzer = analyzerAvailability();

describe.skipIf(analyzer.skip)(`the units of govd${analyzer.note}`, () => {
  const analyze = (...argv: string[]) => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', argv, { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
    return { status, out: `${stdout}${stderr}` };
  };

  it('leave little of the machine exposed: 2.0 at most, and the drop-in for a network does not undo that', () => {
    const closed = analyze('security', '--offline=true', '--threshold=20', join(packaging, 'govd.service'));
    expect(closed.status, closed.out).toBe(0);
    expect(closed.out).toMatch(/Overall exposure level for govd\.service: [0-2]\.\d/);
    // A threshold that nothing can miss proves nothing.
    expect(analyze('security', '--offline=true', '--threshold=1', join(packaging, 'govd.service')).status).not.toBe(0);

    const folder = mkdtempSync(join(tmpdir(), 'govctl-unit-'));
    try {
      const settings = readFileSync(join(packaging, 'network.conf'), 'utf8').replace(/^\[Unit\][\s\S]*?\[Service\]$/m, '');
      const open = join(folder, 'govd.service');
      const unit = readFileSync(join(packaging, 'govd.service'), 'utf8');
      writeFileSync(open, unit.replace('\n[Install]', `\n${settings}\n[Install]`));
      const networked = analyze('security', '--offline=true', '--threshold=20', open);
      expect(networked.status, networked.out).toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('are what systemd understands, to the last setting', () => {
    const folder = mkdtempSync(join(tmpdir(), 'govctl-unit-'));
    try {
      // The programs are where govd install puts them, which is not on this machine.
      const program = join(folder, 'program');
      writeFileSync(program, '#!/bin/sh\n');
      chmodSync(program, 0o755);
      const names = ['govd.service', 'govd.socket', 'govd-admin.socket'];
      for (const name of names)
        writeFileSync(
          join(folder, name),
          readFileSync(join(packaging, name), 'utf8').replaceAll(/\/usr\/local\/bin\/gov(d|ctl)/g, program),
        );
      const verified = analyze('--recursive-errors=yes', 'verify', ...names.map((name) => join(folder, name)));
      expect(verified.status, verified.out).toBe(0);
      writeFileSync(
        join(folder, 'govd.service'),
        readFileSync(join(folder, 'govd.service'), 'utf8').replace('WatchdogSec', 'WatchdogSecs'),
      );
      expect(analyze('--recursive-errors=yes', 'verify', ...names.map((name) => join(folder, name))).status).not.toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
