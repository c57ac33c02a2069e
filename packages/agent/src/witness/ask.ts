import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isProblem, Problem } from '@govctl/core/api';
import {
  type AddCheckpoint,
  cosignedAt,
  formatAddCheckpoint,
  maxAddCheckpointBytes,
  type NoteVerifier,
  parseNote,
  readWitnessAnswer,
} from '@govctl/core/evidence';

export type ConfiguredWitness = { readonly name: string; readonly url: string; readonly key: NoteVerifier };

/** A line of the witness over this checkpoint, or the size it knows instead of the one that was assumed. */
export type WitnessReply = { readonly line: string; readonly time: number } | { readonly size: number };

/**
 * Asks a witness once: no redirects, an answer of bounded length in bounded time, and of what it says only a valid cosignature by its own
 * key counts.
 *
 * @throws Problem `integrity` for an answer that is none, `unreachable` where there is none
 */
export async function askWitness(
  witness: ConfiguredWitness,
  asked: AddCheckpoint,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<WitnessReply> {
  let answer: { readonly status: number; readonly body: string };
  try {
    answer = await post(`${witness.url}/add-checkpoint`, formatAddCheckpoint(asked), limits);
  } catch (cause) {
    if (isProblem(cause)) throw cause;
    throw new Problem('unreachable', { detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
  const read = readWitnessAnswer(answer.status, answer.body);
  return 'size' in read ? read : ownLine(witness, parseNote(asked.checkpoint).text, read.lines);
}

function ownLine({ key }: ConfiguredWitness, text: string, lines: string): { readonly line: string; readonly time: number } {
  const { signatures } = parseNote(`${text}\n${lines}`);
  for (const [at, line] of lines.split('\n').slice(0, -1).entries()) {
    const signature = signatures[at];
    if (signature?.name !== key.name || signature.key_id !== key.key_id) continue;
    const time = cosignedAt(text, signature, key);
    if (time === undefined) throw new Problem('integrity', { detail: 'it answered a cosignature that is not valid' });
    return { line: `${line}\n`, time };
  }
  throw new Problem('integrity', { detail: `it answered without a cosignature by ${key.name}` });
}

function post(
  url: string,
  body: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<{ readonly status: number; readonly body: string }> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  // Of the whole exchange: one that drips a byte a minute is as good as down.
  const deadline = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.any([signal, deadline]),
    });
    request.once('error', (error) => reject(deadline.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error));
    request.once('response', (response: IncomingMessage) => {
      readAll(response).then(
        (text) => resolve({ status: response.statusCode ?? 0, body: text }),
        (error: unknown) => reject(deadline.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error),
      );
    });
    request.end(body);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).byteLength;
    if (size > maxAddCheckpointBytes) {
      response.destroy();
      throw new Problem('integrity', { detail: `it answered more than ${maxAddCheckpointBytes} bytes` });
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}
