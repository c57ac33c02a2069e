import { Problem } from '@govctl/core/api';
import type { Source } from './stream.ts';

/** Reads a source to its end. Stops at the limit instead of filling the memory, and at Ctrl-C. */
export async function readAll(source: Source, limit: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stop = () => source.stream.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of source.stream) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer);
      size += bytes.length;
      if (size > limit)
        throw new Problem('usage', { detail: `standard input is longer than ${limit} bytes`, hint: 'give a smaller input' });
      chunks.push(bytes);
    }
  } catch (error) {
    if (signal.aborted) throw new Problem('cancelled', { detail: 'interrupted while reading standard input', cause: error });
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (signal.aborted) throw new Problem('cancelled', { detail: 'interrupted while reading standard input' });
  return Buffer.concat(chunks);
}
