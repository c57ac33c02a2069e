import { Problem } from '../api/problem.ts';
import { ByteReader } from './byte-reader.ts';

/** One file of an archive: its bytes have to be read, or drained, before the next one comes. */
export type TarEntry = { readonly name: string; readonly size: number; readonly body: AsyncIterable<Uint8Array> };

const blockBytes = 512;
/** What eleven octal digits hold; GNU tar writes larger sizes in binary, and so does this. */
const octalLimit = 8 ** 11;

export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((blockBytes - (size % blockBytes)) % blockBytes);
}

/** Two empty blocks. */
export const tarEnd: Uint8Array = new Uint8Array(2 * blockBytes);

/** The header of a plain file that only its owner may read. Nothing in it depends on who writes the archive. */
export function tarHeader(name: string, size: number, modifiedAt: number): Uint8Array {
  const block = Buffer.alloc(blockBytes);
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name} is too long for a tar header`);
  block.write(name, 0, 'utf8');
  block.write('0000600\0', 100, 'latin1');
  block.write('0000000\0', 108, 'latin1');
  block.write('0000000\0', 116, 'latin1');
  if (size < octalLimit) block.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  else {
    block.writeUInt8(0x80, 124);
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  block.write(
    `${Math.floor(modifiedAt / 1000)
      .toString(8)
      .padStart(11, '0')}\0`,
    136,
    'latin1',
  );
  block.write('0', 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.fill(0x20, 148, 156);
  block.write(`${sumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function sumOf(block: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < blockBytes; at += 1) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
  return sum;
}

/**
 * The plain files of an archive, as they come. Strict: a header whose sum is wrong, anything that is no plain file, an end that is missing
 * and bytes behind the end are refused, so that what was cut off or put together differently is never read as a smaller archive.
 *
 * @throws Problem `usage` when it does not begin like an archive, `integrity` when it goes on differently
 */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(chunks);
  for (let first = true; ; first = false) {
    const block = await reader.exactly(blockBytes);
    const header = block.byteLength === blockBytes ? headerOf(block) : undefined;
    if (header === undefined) {
      if (first) throw notAnArchive();
      throw block.byteLength < blockBytes ? cutShort() : damaged('a header in it is damaged');
    }
    if (header === 'end') return await requireNothingElse(reader);
    let left = header.size;
    const body = async function* (): AsyncGenerator<Uint8Array> {
      while (left > 0) {
        const bytes = await reader.some(left);
        if (bytes === undefined) throw cutShort();
        left -= bytes.byteLength;
        yield bytes;
      }
    };
    yield { ...header, body: body() };
    for await (const _ of body());
    const padding = tarPadding(header.size).byteLength;
    if ((await reader.exactly(padding)).byteLength < padding) throw cutShort();
  }
}

type Header = { readonly name: string; readonly size: number };

function headerOf(bytes: Uint8Array): Header | 'end' | undefined {
  const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (block.every((byte) => byte === 0)) return 'end';
  const octal = (from: number, to: number) => {
    const text = block.toString('latin1', from, to).replace(/[\0 ]+$/, '');
    return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  };
  if (block.toString('latin1', 257, 262) !== 'ustar' || octal(148, 156) !== sumOf(block) || block[156] !== 0x30) return undefined;
  const size = block[124] === 0x80 ? Number(block.readBigUInt64BE(128)) : octal(124, 136);
  const end = block.indexOf(0);
  const name = block.toString('utf8', 0, end >= 0 && end < 100 ? end : 100);
  return Number.isSafeInteger(size) && name !== '' ? { name, size } : undefined;
}

async function requireNothingElse(reader: ByteReader): Promise<void> {
  let zeros = 0;
  for (;;) {
    const bytes = await reader.some(64 * 1024);
    if (bytes === undefined) break;
    if (bytes.some((byte) => byte !== 0)) throw damaged('something stands behind its end');
    zeros += bytes.byteLength;
  }
  if (zeros < blockBytes) throw cutShort();
}

export function cutShort(): Problem {
  return new Problem('integrity', {
    detail: 'the backup is cut short: its end is missing',
    hint: 'copy the file again from where it was made, or make another: govctl backup create -O backup.tar',
  });
}

export function damaged(why: string): Problem {
  return new Problem('integrity', { detail: `the backup is damaged or was changed: ${why}`, hint: 'use another copy of it' });
}

export function notAnArchive(): Problem {
  return new Problem('usage', {
    detail: 'this is no backup of govctl',
    hint: 'name a file that was made by: govctl backup create -O backup.tar',
  });
}
