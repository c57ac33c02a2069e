import * as nodeFiles from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem, type Problem } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import { afterAll, describe, expect, test } from 'vitest';
import { chunks, objectStoreContract } from './object-store.contract.ts';
import { type FileCalls, openFolderStore } from './object-store.folder.ts';

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await nodeFiles.rm(folder, { recursive: true, force: true });
});

async function place(): Promise<string> {
  const folder = await nodeFiles.mkdtemp(join(tmpdir(), 'govctl-object-'));
  folders.push(folder);
  return join(folder, 'objects');
}

const pathOf = (folder: string, digest: string) => join(folder, digest.slice(7, 9), digest.slice(9));

async function leftovers(folder: string): Promise<string[]> {
  const entries = await nodeFiles.readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !/^[0-9a-f]{2}\/[0-9a-f]{62}$/.test(path) && !path.startsWith('aside/'));
}

async function problemOf(action: Promise<unknown>): Promise<Problem> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isProblem(error)) throw new Error('no problem', { cause: error });
  return error;
}

type Call = { readonly name: string; readonly path: string };

/** The real calls, of which one fails; calls of open handles count too. */
function failing(code: string, when: (call: Call, index: number) => boolean): { calls: Call[]; files: FileCalls } {
  const calls: Call[] = [];
  const attempt = (name: string, path: string) => {
    const call = { name, path };
    calls.push(call);
    if (when(call, calls.length - 1))
      throw Object.assign(new Error(`${code}: injected, ${name}`), { code, syscall: name === 'sync' ? 'fsync' : name });
  };
  const wrap =
    <A extends [unknown, ...unknown[]], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      attempt(name, String(args[0]));
      return call(...args);
    };
  const open = async (...args: Parameters<typeof nodeFiles.open>) => {
    attempt('open', String(args[0]));
    const handle = await nodeFiles.open(...args);
    return new Proxy(handle, {
      get(target, key) {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function') return member;
        return (...given: unknown[]) => {
          if (key === 'write' || key === 'sync') {
            try {
              attempt(key, String(args[0]));
            } catch (error) {
              return Promise.reject(error);
            }
          }
          return Reflect.apply(member, target, given) as unknown;
        };
      },
    });
  };
  const files = {
    open,
    mkdir: wrap('mkdir', nodeFiles.mkdir as FileCalls['mkdir']),
    readdir: nodeFiles.readdir,
    rename: wrap('rename', nodeFiles.rename),
    stat: wrap('stat', nodeFiles.stat as (path: Parameters<typeof nodeFiles.stat>[0]) => Promise<unknown>),
    unlink: nodeFiles.unlink,
  } as unknown as FileCalls;
  return { calls, files };
}

describe('objects in a folder', () => {
  objectStoreContract(async () => {
    const folder = await place();
    return {
      store: await openFolderStore(folder),
      reopen: () => openFolderStore(folder),
      corrupt: async (digest) => {
        await nodeFiles.writeFile(pathOf(folder, digest), 'precioux');
      },
      leftovers: () => leftovers(folder),
    };
  });

  test('an object lies under its digest, for the owner only', async () => {
    const folder = await place();
    const store = await openFolderStore(folder);
    const digest = digestOf('x');
    await store.put(digest, chunks('x'));
    const stat = await nodeFiles.stat(pathOf(folder, digest));
    expect(stat.mode & 0o777).toBe(0o600);
    expect((await nodeFiles.stat(folder)).mode & 0o777).toBe(0o700);
  });

  test('a folder that hosts share keeps the uploads of the others, and loses what nobody finished', async () => {
    const folder = await place();
    await openFolderStore(folder);
    const [under, abandoned] = ['under-way', 'abandoned'].map((name) => join(folder, 'incoming', name));
    for (const path of [under, abandoned]) await nodeFiles.writeFile(path ?? '', 'half');
    const days = new Date(Date.now() - 3 * 24 * 3600 * 1000);
    await nodeFiles.utimes(abandoned ?? '', days, days);
    await openFolderStore(folder, undefined, true);
    expect(await nodeFiles.readdir(join(folder, 'incoming'))).toEqual(['under-way']);
    await openFolderStore(folder);
    expect(await nodeFiles.readdir(join(folder, 'incoming'))).toEqual([]);
  });

  test('the content is synced before it gets its name, and the name before the answer', async () => {
    const folder = await place();
    const { calls, files } = failing('', () => false);
    const store = await openFolderStore(folder, files);
    calls.length = 0;
    await store.put(digestOf('x'), chunks('x'));
    const shard = join(folder, digestOf('x').slice(7, 9));
    const order = calls.map(({ name, path }) => (path.includes('/incoming/') ? name : `${name} ${path}`));
    const synced = order.indexOf('sync');
    expect(synced).toBeGreaterThan(order.lastIndexOf('write'));
    expect(order.indexOf('rename')).toBeGreaterThan(synced);
    expect(order.indexOf(`sync ${folder}`)).toBeLessThan(order.indexOf('rename'));
    expect(order.at(-1)).toBe(`sync ${shard}`);
    calls.length = 0;
    await store.put(digestOf('x'), chunks('x'));
    expect(calls.at(-1)).toEqual({ name: 'sync', path: shard });
  });

  test('whichever call fails, an object is whole or absent, nothing is left, and a retry succeeds', async () => {
    const dry = failing('', () => false);
    const digest = digestOf('some content');
    await (await openFolderStore(await place(), dry.files)).put(digest, chunks('some ', 'content'));
    const points = dry.calls.length;
    expect(points).toBeGreaterThan(8);
    for (let point = 1; point < points; point += 1) {
      const folder = await place();
      const { files } = failing('ENOSPC', (_call, index) => index === point);
      const store = await openFolderStore(folder, files);
      const problem = await problemOf(store.put(digest, chunks('some ', 'content')));
      expect(problem.code).toBe('storage-unavailable');
      expect(problem.message).toContain('the disk is full');
      expect(problem.hint).toContain('free space');
      expect(await leftovers(folder)).toEqual([]);
      const kept = await store.size(digest);
      if (kept !== null) expect(await nodeFiles.readFile(pathOf(folder, digest), 'utf8')).toBe('some content');
      await store.put(digest, chunks('some ', 'content'));
      expect(await nodeFiles.readFile(pathOf(folder, digest), 'utf8')).toBe('some content');
    }
  });

  test('a short write is written on', async () => {
    const folder = await place();
    const open = async (...args: Parameters<typeof nodeFiles.open>) => {
      const handle = await nodeFiles.open(...args);
      return new Proxy(handle, {
        get(target, key) {
          const member: unknown = Reflect.get(target, key, target);
          if (key === 'write') return (chunk: Uint8Array, at: number) => target.write(chunk, at, 1);
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        },
      });
    };
    const store = await openFolderStore(folder, { ...nodeFiles, open });
    await store.put(digestOf('slowly'), chunks('slow', 'ly'));
    expect(await nodeFiles.readFile(pathOf(folder, digestOf('slowly')), 'utf8')).toBe('slowly');
  });

  test('a read-only folder serves what it has and says why it cannot store', async () => {
    const folder = await place();
    const digest = digestOf('old');
    await (await openFolderStore(folder)).put(digest, chunks('old'));
    const { files } = failing('EROFS', ({ name, path }) => name === 'mkdir' || name === 'rename' || path.includes('/incoming/'));
    const store = await openFolderStore(folder, files);
    expect(await store.size(digest)).toBe(3);
    const problem = await problemOf(store.put(digestOf('new'), chunks('new')));
    expect([problem.code, problem.status]).toEqual(['storage-unavailable', 503]);
    expect(problem.message).toContain('read-only');
  });

  test('a place that cannot be a folder is told when it is opened', async () => {
    const folder = await place();
    await nodeFiles.writeFile(folder, 'a file');
    expect((await problemOf(openFolderStore(folder))).code).toBe('storage-unavailable');
  });

  test('what a crash left is removed at the next start', async () => {
    const folder = await place();
    await openFolderStore(folder);
    await nodeFiles.writeFile(join(folder, 'incoming', 'half'), 'ha');
    expect(await leftovers(folder)).toEqual(['incoming/half']);
    await openFolderStore(folder);
    expect(await leftovers(folder)).toEqual([]);
  });

  test('a name that is not a digest never becomes a path', async () => {
    const store = await openFolderStore(await place());
    for (const name of ['../../etc/passwd', 'sha256:../../x', `sha256:${'A'.repeat(64)}`, ''])
      await expect(store.size(name)).rejects.toThrow('not a digest');
  });
});
