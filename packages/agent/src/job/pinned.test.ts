import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@govctl/core/evidence';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PinnedInputs } from './pinned.ts';

let root: string;
let path: string;
let pinned: PinnedInputs;
const content = 'id,total\n1,100\n';

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'govctl-pinned-'));
  path = join(root, 'orders/2026/january.csv');
  mkdirSync(join(root, 'orders/2026'), { recursive: true });
  writeFileSync(path, content);
  pinned = await PinnedInputs.of(root, [{ path, digest: digestOf(Buffer.from(content)) }]);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const changed = 'input orders: 2026/january.csv is not what was pinned any more';

describe('pinned inputs', () => {
  it('are whole while nobody writes, and after they were touched, or replaced by the same bytes', async () => {
    expect(await pinned.harm()).toBeNull();
    utimesSync(path, 0, 0);
    chmodSync(path, 0o644);
    expect(await pinned.harm()).toBeNull();
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
    mkdirSync(join(root, 'orders/empty'));
    expect([await pinned.harm(), await pinned.harmInBytes()]).toEqual([null, null]);
  });

  it.each<[string, () => void]>([
    [
      'other bytes of the same length, and the old time',
      () => {
        writeFileSync(path, content.replace('100', '999'));
        utimesSync(path, 0, 0);
      },
    ],
    ['nothing any more', () => rmSync(path)],
    [
      'a link to the very same bytes',
      () => {
        renameSync(path, `${root}-elsewhere`);
        symlinkSync(`${root}-elsewhere`, path);
      },
    ],
    [
      'a pipe that nobody writes to',
      () => {
        rmSync(path);
        execFileSync('mkfifo', [path]);
      },
    ],
  ])('are harmed when a copy is %s', async (_what, harm) => {
    harm();
    expect([await pinned.harm(), await pinned.harmInBytes()]).toEqual([changed, changed]);
    rmSync(`${root}-elsewhere`, { force: true });
  });

  it('are harmed by what is put beside them, and when they cannot be read', async () => {
    writeFileSync(join(root, 'orders/february.csv'), content);
    expect(await pinned.harm()).toBe('input orders: february.csv was not pinned, and was put there');
    rmSync(root, { recursive: true });
    expect(await pinned.harmInBytes()).toBe(changed);
  });
});
