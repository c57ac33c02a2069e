/** Standard base64 with padding: what DSSE, signed notes and log entries are written in. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/**
 * Strict base64: no white space, no garbage, no stray bits in the last digit, padding complete or absent. `either` also takes the
 * URL-safe alphabet, which DSSE verifiers must (never both in one text). Undefined when the text is not that.
 */
export function decodeBase64(text: string, alphabet: 'standard' | 'either' = 'standard'): Uint8Array | undefined {
  const urlSafe = alphabet === 'either' && /[-_]/.test(text);
  const bytes = Buffer.from(text, urlSafe ? 'base64url' : 'base64');
  const again = bytes.toString(urlSafe ? 'base64url' : 'base64');
  if (again === text) return bytes;
  if (alphabet === 'standard') return undefined;
  const unpadded = again.replace(/=+$/, '');
  const padded = unpadded.padEnd(Math.ceil(unpadded.length / 4) * 4, '=');
  return text === unpadded || text === padded ? bytes : undefined;
}
