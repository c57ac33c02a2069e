import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type Digest, digestStream } from '@govctl/core/evidence';

/** A copy of a file of an input, and what it must contain. */
export type PinnedFile = { readonly path: string; readonly digest: Digest };

/**
 * The inputs of a run after they were copied. Steps run as our own user, so nothing keeps them from writing there; what they changed is
 * noticed: after each attempt by what the file system says of every copy, and before anybody judges the run by its bytes.
 */
export class PinnedInputs {
  readonly #root: string;
  readonly #files: ReadonlyMap<string, Digest>;
  /** What the file system said of a copy when its bytes were last known to be right. */
  readonly #stamps = new Map<string, string>();

  private constructor(root: string, files: readonly PinnedFile[]) {
    this.#root = root;
    this.#files = new Map(files.map(({ path, digest }) => [path, digest]));
  }

  /** Of copies whose bytes were compared just now. */
  static async of(root: string, files: readonly PinnedFile[]): Promise<PinnedInputs> {
    const inputs = new PinnedInputs(root, files);
    for (const { path } of files) inputs.#stamps.set(path, (await stampOf(path)) ?? '');
    return inputs;
  }

  /**
   * Why the inputs are not what was pinned any more, or null. A copy that looks as it did is believed; of one that does not, the bytes decide.
   * Whoever writes to a file moves its change time, and cannot set it.
   */
  async harm(): Promise<string | null> {
    return await this.#look(async (path, digest) => {
      const stamp = await stampOf(path);
      if (stamp === null) return false;
      if (stamp === this.#stamps.get(path)) return true;
      if ((await digestOfFile(path)) !== digest) return false;
      this.#stamps.set(path, stamp);
      return true;
    });
  }

  /** The same, by every byte: what was written through a mapping may not show yet. */
  async harmInBytes(): Promise<string | null> {
    return await this.#look(async (path, digest) => (await stampOf(path)) !== null && (await digestOfFile(path)) === digest);
  }

  async #look(isWhole: (path: string, digest: Digest) => Promise<boolean>): Promise<string | null> {
    for (const [path, digest] of this.#files)
      if (!(await isWhole(path, digest))) return this.#told(path, 'is not what was pinned any more');
    try {
      for await (const path of entriesOf(this.#root))
        if (!this.#files.has(path)) return this.#told(path, 'was not pinned, and was put there');
    } catch (error) {
      return `the inputs cannot be read any more: ${(error as Error).message}`;
    }
    return null;
  }

  #told(path: string, what: string): string {
    const [input = '', ...rest] = relative(this.#root, path).split('/');
    return `input ${input}: ${rest.join('/') || input} ${what}`;
  }
}

/** Null for what is no file, or not there, or not ours to look at: a link or a pipe is not followed. */
async function stampOf(path: string): Promise<string | null> {
  try {
    const about = await lstat(path, { bigint: true });
    return about.isFile() ? [about.dev, about.ino, about.size, about.mtimeNs, about.ctimeNs].join('/') : null;
  } catch {
    return null;
  }
}

async function digestOfFile(path: string): Promise<Digest | null> {
  const state = digestStream();
  try {
    for await (const chunk of createReadStream(path)) state.update(chunk as Buffer);
  } catch {
    // Taken away meanwhile, or not ours to read any more.
    return null;
  }
  return state.digest();
}

async function* entriesOf(folder: string): AsyncGenerator<string> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* entriesOf(path);
    else yield path;
  }
}
