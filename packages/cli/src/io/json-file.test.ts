import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readJsonFile, writePrivateJson } from './json-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'govctl-json-'));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

describe('readJsonFile', () => {
  it.each([
    ['{"a": 1, "a": 2}', 'twice'],
    ['{"a": 1', 'JSON'],
    ['\u0000\u0001\u0002', 'JSON'],
    [`${'['.repeat(100)}${']'.repeat(100)}`, 'deep'],
  ])('refuses %j, and names the flag and the file', async (text, why) => {
    await writeFile(join(folder, 'f.json'), text);
    const failing = readJsonFile(folder, '--facts', 'f.json');
    await expect(failing).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('--facts') });
    await expect(failing).rejects.toThrow(why);
  });

  it('says what is wrong with a file that is none', async () => {
    await expect(readJsonFile(folder, '--facts', 'none.json')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('no such file'),
    });
    await expect(readJsonFile(folder, '--facts', '.')).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('writePrivateJson', () => {
  it('replaces what stood there, and what a link pointed at stays', async () => {
    const [file, target] = [join(folder, 'f.json'), join(folder, 'target')];
    await writeFile(target, 'kept', { mode: 0o644 });
    await symlink(target, file);
    await writePrivateJson(file, { a: 1 });
    expect(await readFile(target, 'utf8')).toBe('kept');
    expect(await readJsonFile(folder, '--facts', 'f.json')).toEqual({ a: 1 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).sort()).toEqual(['f.json', 'target']);
  });

  it('leaves nothing behind where it cannot write', async () => {
    await expect(writePrivateJson(join(folder, 'none', 'f.json'), {})).rejects.toMatchObject({ code: 'io' });
    await expect(writePrivateJson(folder, {})).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
  });
});
