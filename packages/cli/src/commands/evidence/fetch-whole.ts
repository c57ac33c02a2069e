import { setTimeout as sleep } from 'node:timers/promises';
import { isProblem, Problem } from '@govctl/core/api';
import type { Continuation, Download } from '../../client/client.ts';
import type { CommandContext } from '../../command.ts';

type Resolution = { readonly url: string; readonly dig: string; readonly len: number };

/** How often a broken download is continued, and how long it waits before: a daemon that restarts is back within that. */
const pausesMs = [100, 200, 400, 800, 1600, 3200];

/**
 * Fetches what a signed URL opens, to its end. The URL works once; when the connection breaks, what came is kept and only the rest is
 * asked for, also when not even the first answer came: digest and length are known from the resolution.
 */
export async function fetchWhole(
  { client, io, signal }: Pick<CommandContext, 'client' | 'io' | 'signal'>,
  { url, dig, len }: Resolution,
  pauses: readonly number[] = pausesMs,
): Promise<Buffer> {
  const etag = `"${dig}"`;
  let chunks: Uint8Array[] = [];
  let size = 0;
  for (let attempt = 0; ; attempt += 1) {
    const rest: Continuation | undefined = attempt === 0 ? undefined : { from: size, etag };
    try {
      const answer = await client.fetchCapability(url, rest === undefined ? {} : { rest });
      if (rest === undefined || !continues(answer, rest.from, len)) {
        // The whole, from its beginning.
        chunks = [];
        size = 0;
      }
      for await (const chunk of answer.body) {
        size += chunk.byteLength;
        if (size > len) throw new Problem('integrity', { detail: `govd sent more than the ${len} bytes that the record has` });
        chunks.push(chunk);
      }
      // Fewer bytes that end well are not a broken connection: they are something else, and the digest says so.
      return Buffer.concat(chunks, size);
    } catch (error) {
      const pause = pauses[attempt];
      if (!isBroken(error) || signal.aborted) throw error;
      // Everything came before it broke.
      if (size === len && len > 0) return Buffer.concat(chunks, size);
      if (pause === undefined) throw error;
      await io.note(`the connection broke after ${size} of ${len} bytes; asking for the rest`);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }
}

function continues({ status, headers }: Download, from: number, len: number): boolean {
  if (status !== 206) return false;
  if (headers['content-range'] === `bytes ${from}-${len - 1}/${len}`) return true;
  throw new Problem('integrity', { detail: `govd sent another part than the one from byte ${from} on`, hint: 'govctl version --daemon' });
}

/** Nobody refused: there was no answer, or it had no end. */
function isBroken(error: unknown): boolean {
  return isProblem(error) && ['unreachable', 'stale-socket', 'not-started', 'unavailable'].includes(error.code);
}
