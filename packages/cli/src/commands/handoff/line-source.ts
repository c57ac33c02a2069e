import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Problem } from '@govctl/core/api';
import { lineLimit } from '@govctl/core/handoff';

const newline = 0x0a;
/** Looked at before anything is parsed: text of a changelog has no zero byte, and is UTF-8. */
const sniffed = 8_192;

/** A line as it was read. `text` is null for what is not UTF-8 or is longer than a line may be. */
export type RawLine = { readonly number: number; readonly text: string | null; readonly fault: string | null };

export function openFile(path: string): Readable {
  return createReadStream(path, { highWaterMark: 1 << 18 });
}

/**
 * Lines of a stream, from 1 on, unpacked when it is gzip. Never holds more than a line: one without end is cut and told as bad.
 * @throws Problem `usage` when it is no text at all, does not unpack, or cannot be read
 */
export async function* readLines(stream: Readable, name: string): AsyncGenerator<RawLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let number = 0;
  let kept: Buffer[] = [];
  let size = 0;

  const take = (end: Buffer): RawLine => {
    number += 1;
    const length = size + end.length;
    const bytes = kept.length === 0 ? end : Buffer.concat([...kept, end]);
    kept = [];
    size = 0;
    if (length > lineLimit) return { number, text: null, fault: `longer than ${lineLimit} bytes` };
    try {
      const text = decoder.decode(bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes);
      return { number, text: number === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text, fault: null };
    } catch {
      return { number, text: null, fault: 'not UTF-8' };
    }
  };

  for await (const chunk of unpacked(stream, name)) {
    let at = 0;
    for (let end = chunk.indexOf(newline, at); end !== -1; end = chunk.indexOf(newline, at)) {
      yield take(chunk.subarray(at, end));
      at = end + 1;
    }
    const rest = chunk.subarray(at);
    if (rest.length === 0) continue;
    // Beyond the limit only the length still matters.
    if (size <= lineLimit) kept.push(Buffer.from(rest));
    size += rest.length;
  }
  if (size > 0) yield take(Buffer.alloc(0));
}

async function* unpacked(stream: Readable, name: string): AsyncGenerator<Buffer> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    let head = Buffer.alloc(0);
    let ended = false;
    while (head.length < 2 && !ended) {
      const next = await chunks.next();
      if (next.done === true) ended = true;
      else head = Buffer.concat([head, next.value]);
    }
    const rest = async function* () {
      if (head.length > 0) yield head;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    };
    const packed = head[0] === 0x1f && head[1] === 0x8b;
    let first = true;
    for await (const chunk of packed ? gunzip(rest()) : rest()) {
      if (first) requireText(chunk, name);
      first = false;
      yield chunk;
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') === true) {
      throw new Problem('usage', { detail: `${name} does not unpack: ${message}`, hint: 'is the file complete? gzip -t checks it', cause });
    }
    if (code !== undefined && ['ENOENT', 'EACCES', 'EISDIR', 'EPERM'].includes(code)) {
      throw new Problem('usage', { detail: `${name} cannot be read: ${message}`, hint: 'govctl handoff import FILE', cause });
    }
    throw cause;
  }
}

async function* gunzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { Readable } = await import('node:stream');
  const gunzip = createGunzip();
  const input = Readable.from(source);
  input.on('error', (error) => gunzip.destroy(error));
  input.pipe(gunzip);
  yield* gunzip as AsyncIterable<Buffer>;
}

function requireText(chunk: Buffer, name: string): void {
  const head = chunk.subarray(0, sniffed);
  const end = head.indexOf(newline);
  // A later line that is not UTF-8 is a bad line; a first one that is not says what kind of file this is.
  const first = end === -1 ? head.subarray(0, Math.max(0, head.length - 3)) : head.subarray(0, end);
  if (!head.includes(0) && isUtf8Text(first)) return;
  throw new Problem('usage', {
    detail: `${name} is not text but binary, like a picture, a database or a spreadsheet file`,
    hint: 'give newline-delimited JSON or CSV in UTF-8, gzip at most',
  });
}

function isUtf8Text(bytes: Buffer): boolean {
  try {
    // stream: a character cut off at the end is no fault.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
