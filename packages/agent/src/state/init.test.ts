import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initStateDir } from './init.ts';

describe('a second place that is named', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'govctl-init-'));
    writeFileSync(
      join(folder, 'govd.yaml'),
      `apiVersion: govctl/v1\nkind: GovdConfig\nenvironment: local_parity\nlog: { origin: test/log, second_place: ${join(folder, 'far', 'checkpoint')} }\n`,
    );
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const init = () =>
    initStateDir({
      root: join(folder, 'state'),
      config: join(folder, 'govd.yaml'),
      operator: 'HUMAN::o',
      now: () => '2026-01-01T00:00:00.000Z',
    });

  it('has its folder, or nothing is made: a daemon that cannot keep its checkpoints would stop signing', async () => {
    await expect(init()).rejects.toMatchObject({ code: 'usage', hint: `mkdir -p ${join(folder, 'far')}` });
    expect(readdirSync(join(folder, 'state'))).toEqual([]);
    mkdirSync(join(folder, 'far'));
    await expect(init()).resolves.toMatchObject({ root: join(folder, 'state') });
  });
});
