import { connect } from 'node:net';

export type Raw = { readonly text: string; readonly status: number; readonly closed: boolean };

/**
 * Bytes as no client library would send them, over a connection of their own. Ends when the other side closes, or when a whole
 * answer came, or after `patience` milliseconds.
 */
export function sendRaw(socketPath: string, bytes: string | Uint8Array, patience = 15_000): Promise<Raw> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const chunks: Buffer[] = [];
    const done = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      resolve({ text, closed, status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0) });
    };
    const timer = setTimeout(() => done(false), patience);
    socket.on('error', () => done(true));
    socket.on('close', () => done(true));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      const text = Buffer.concat(chunks).toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (head >= 0 && length !== undefined && text.length >= head + 4 + Number(length)) done(false);
    });
    socket.write(bytes);
  });
}

/** A request as text; `headers` stand as they are given. */
export function requestText(method: string, target: string, headers: readonly string[] = [], body: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.from(body as string);
  const length = bytes.length > 0 || method === 'POST' ? [`content-length: ${bytes.length}`] : [];
  return Buffer.concat([
    Buffer.from(`${[`${method} ${target} HTTP/1.1`, 'host: govd', ...length, ...headers].join('\r\n')}\r\n\r\n`),
    bytes,
  ]);
}
