import type { Readable } from 'node:stream';

/** One of the two ways out. */
export type Sink = {
  readonly isTerminal: boolean;
  /** Columns of the terminal; 80 elsewhere. */
  readonly columns: number;
  /** Resolves once the text is handed over. A reader that went away is not an error; a full disk is. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** The stream itself, for libraries that draw: spinners and prompts. */
  readonly raw: NodeJS.WriteStream;
};

export type Source = { readonly isTerminal: boolean; readonly stream: Readable };

/** The process's three streams, or a test's. */
export type Streams = { readonly stdin: Source; readonly stdout: Sink; readonly stderr: Sink };

const readerGone = new Set(['EPIPE', 'ERR_STREAM_DESTROYED', 'EOF']);

function sink(raw: NodeJS.WriteStream, onReaderGone: () => void): Sink {
  let gone = false;
  // Without a listener a broken pipe is an uncaught exception; what else goes wrong reaches the caller of write().
  raw.on('error', (error: NodeJS.ErrnoException) => {
    if (gone || !readerGone.has(error.code ?? '')) return;
    gone = true;
    onReaderGone();
  });
  return {
    raw,
    isTerminal: raw.isTTY === true,
    columns: raw.columns ?? 80,
    write: (chunk) =>
      new Promise((resolve, reject) => {
        if (gone || chunk.length === 0) return resolve();
        raw.write(chunk, (error: NodeJS.ErrnoException | null | undefined) => {
          if (error == null || readerGone.has(error.code ?? '')) resolve();
          else reject(error);
        });
      }),
  };
}

/** Streams are opened when first asked for: opening one costs a millisecond that `version` does not have. */
export function processStreams(onReaderGone: () => void): Streams {
  let stdout: Sink | undefined;
  let stderr: Sink | undefined;
  return {
    get stdin() {
      return { isTerminal: process.stdin.isTTY === true, stream: process.stdin };
    },
    get stdout() {
      stdout ??= sink(process.stdout, onReaderGone);
      return stdout;
    },
    get stderr() {
      stderr ??= sink(process.stderr, () => {});
      return stderr;
    },
  };
}
