const headerLimit = 32;
const valueLimit = 8192;
/** What the request itself says; nobody else may. */
const ours = /^(host|connection|content-.*|transfer-encoding|te|trailer|upgrade|keep-alive|expect)$/;

/**
 * Headers for a collector, one `name: value` a line; empty lines and lines with # are skipped. The error never holds what it read.
 * @throws RangeError
 */
export function parseHeaderFile(text: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const wrong = (why: string) => new RangeError(`line ${index + 1} ${why}`);
    if (colon < 1 || !/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name)) throw wrong('is not NAME: VALUE');
    if (ours.test(name)) throw wrong('names a header that is not to be set');
    if (value === '' || value.length > valueLimit || !/^[\t\x20-\x7e]+$/.test(value)) throw wrong('has no value that a header can have');
    if (name in headers) throw wrong('names a header that is there already');
    headers[name] = value;
    if (Object.keys(headers).length > headerLimit) throw new RangeError(`it has more than ${headerLimit} headers`);
  }
  return { ...headers };
}
