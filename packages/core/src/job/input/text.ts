/** How much of a file is looked at: its headers and first rows. Whoever reads the file need read no more than this. */
export const headBytes = 64 * 1024;

export type HeadText =
  | { readonly readable: true; readonly text: string; readonly encoding: 'utf-8' | 'utf-16' | 'windows-1252' }
  /** `what` ends the sentence "this is ..."; `instead` is what a person can do about it. */
  | { readonly readable: false; readonly what: string; readonly instead: string };

// What people upload where a table was meant, by its first bytes.
const formats: readonly (readonly [magic: readonly number[], what: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], 'an Excel workbook or another ZIP archive'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'an Excel workbook of the old format'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF'],
  [[0x1f, 0x8b], 'a gzip archive'],
  [[0x50, 0x41, 0x52, 0x31], 'a Parquet file'],
  [[0x7b, 0x5c, 0x72, 0x74, 0x66], 'a rich text document'],
  [[0x89, 0x50, 0x4e, 0x47], 'a picture'],
  [[0xff, 0xd8, 0xff], 'a picture'],
];

const exported = 'save it as CSV';

/** The first bytes of a file as text. `complete` says that there are no more of them. */
export function headText(head: Uint8Array, complete: boolean): HeadText {
  const bytes = head.subarray(0, headBytes);
  for (const [magic, what] of formats) {
    if (magic.every((byte, at) => bytes[at] === byte)) return { readable: false, what, instead: exported };
  }
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
  if (utf16 !== undefined) return { readable: true, text: new TextDecoder(utf16).decode(bytes, { stream: !complete }), encoding: 'utf-16' };
  if (bytes.includes(0)) return { readable: false, what: 'not a text file', instead: exported };
  try {
    // Streaming: a character that is cut off at the end of the head is no fault of the file.
    return { readable: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !complete }), encoding: 'utf-8' };
  } catch {
    return { readable: true, text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252' };
  }
}
