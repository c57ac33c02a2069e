import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { Problem } from '@govctl/core/api';
import type { ManifestFile } from '@govctl/core/promotion';
import { changed, type FoundFile } from './folder.ts';
import { hashWorker } from './hash-worker.ts';

type Answer = {
  readonly index: number;
  readonly sha256?: string;
  readonly changed?: true;
  readonly error?: { readonly code?: string; readonly message: string };
};

/** A thread pays off from this many bytes on. */
const bytesPerThread = 4 * 1024 * 1024;

/**
 * Hashes files on all cores. The first file that changed or cannot be read ends it.
 * @param onProgress bytes read so far, a few times a second
 * @throws Problem `conflict`, `io`
 */
export async function hashFiles(
  files: readonly FoundFile[],
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<ManifestFile[]> {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const threads = Math.max(1, Math.min(availableParallelism(), files.length, Math.ceil(total / bytesPerThread)));
  const shared = new SharedArrayBuffer(8);
  const counter = new BigInt64Array(shared);
  const report = () => onProgress(Number(Atomics.load(counter, 0)));
  const timer = setInterval(report, 100);
  const hashed = new Map<number, string>();
  // Large files first, so that no thread is left alone with one at the end.
  const order = files.map((_, index) => index).sort((a, b) => (files[b]?.size ?? 0) - (files[a]?.size ?? 0));
  const workers: Worker[] = [];
  try {
    await Promise.all(
      Array.from({ length: threads }, async () => {
        const worker = new Worker(hashWorker, { eval: true, workerData: shared });
        workers.push(worker);
        await work(worker, files, order, hashed, signal);
      }),
    );
    report();
  } finally {
    clearInterval(timer);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return files.map(({ path, size }, index) => {
    const sha256 = hashed.get(index);
    if (sha256 === undefined) throw new Error(`${path} was not hashed`);
    return { path, size, sha256 };
  });
}

/** Feeds one thread until nothing is left. */
async function work(
  worker: Worker,
  files: readonly FoundFile[],
  order: number[],
  hashed: Map<number, string>,
  signal: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => reject(new Problem('cancelled', { detail: 'interrupted while hashing' }));
    signal.addEventListener('abort', stop, { once: true });
    const next = () => {
      const index = order.shift();
      const file = index === undefined ? undefined : files[index];
      if (index === undefined || file === undefined) return resolve();
      worker.postMessage({ index, place: file.place, mark: file.mark });
    };
    worker.on('message', (answer: Answer) => {
      const path = files[answer.index]?.path ?? '';
      if (answer.sha256 !== undefined) hashed.set(answer.index, answer.sha256);
      else return reject(refusal(path, answer));
      next();
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a hashing thread ended with ${code}`)));
    if (signal.aborted) stop();
    else next();
  });
}

function refusal(path: string, { changed: isChanged, error }: Answer): Problem {
  if (isChanged === true) return changed(path, 'it was written to');
  if (error?.code === 'ENOENT') return changed(path, 'it went away');
  if (error?.code === 'ELOOP') return changed(path, 'a symbolic link took its place');
  return new Problem('io', {
    detail: `${path} cannot be read: ${error?.code === 'EACCES' ? 'permission denied' : (error?.message ?? '')}`,
    hint: 'check its permissions',
  });
}
