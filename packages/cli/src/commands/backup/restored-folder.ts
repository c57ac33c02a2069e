import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { backupEvidenceFile, backupHeaderFile, backupManifestFile, type TarEntry } from '@govctl/core/backup';

/** Flushes under way at a time: one file system commit serves several. */
const flushing = 8;

/** Files that were taken out of a backup, in a folder of their own until everything about them was verified. */
export type RestoredFolder = {
  readonly take: (entry: TarEntry) => Promise<void>;
  write(name: string, bytes: string | Uint8Array, mode: number): Promise<void>;
  /** Ends when all of it survives a power cut. */
  flush(): Promise<void>;
  /** Moves all of it one folder up, what makes it a state folder last. Half of it is taken back when that fails. */
  settle(): Promise<void>;
  remove(): Promise<void>;
};

export function restoredFolder(draft: string): RestoredFolder {
  const folders = new Set<string>();
  const pending = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  const folderOf = async (path: string) => {
    const folder = dirname(path);
    if (folders.has(folder)) return;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    folders.add(folder);
  };
  const flushed = async (file: FileHandle) => {
    const one: Promise<void> = file
      .sync()
      .finally(() => file.close())
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => pending.delete(one));
    pending.add(one);
    if (pending.size >= flushing) await Promise.race(pending);
    if (failure !== undefined) throw failure.error;
  };
  const write: RestoredFolder['write'] = async (name, bytes, mode) => {
    const path = join(draft, name);
    await folderOf(path);
    const file = await open(path, 'wx', mode);
    await file.writeFile(bytes);
    await flushed(file);
  };

  return {
    write,
    async take({ name, body }) {
      if (name === backupHeaderFile) return;
      const about = name === backupManifestFile || name === backupEvidenceFile;
      const path = join(draft, about ? join('restored-from', name) : name);
      await folderOf(path);
      const file = await open(path, 'wx', /\.pub\.pem$|^trust\.json$/.test(name) ? 0o644 : 0o600);
      try {
        for await (const bytes of body) await writeAll(file, bytes);
      } catch (error) {
        await file.close();
        throw error;
      }
      await flushed(file);
    },
    async flush() {
      while (pending.size > 0) await Promise.race(pending);
      if (failure !== undefined) throw failure.error;
      for (const folder of [...folders, draft]) await syncFolder(folder);
    },
    async settle() {
      const target = dirname(draft);
      const names = (await readdir(draft)).sort((a, b) => Number(a === 'govd.yaml') - Number(b === 'govd.yaml'));
      const moved: string[] = [];
      try {
        for (const name of names) {
          await rename(join(draft, name), join(target, name));
          moved.push(name);
        }
        await rm(draft, { recursive: true });
        await syncFolder(target);
      } catch (error) {
        for (const name of moved) await rm(join(target, name), { recursive: true, force: true });
        throw error;
      }
    },
    async remove() {
      while (pending.size > 0) await Promise.race(pending);
      await rm(draft, { recursive: true, force: true });
    },
  };
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
