import { fstatSync, statSync, writeSync } from 'node:fs';
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

/**
 * So much is written without opening a stream: a whole small answer, and always less than a pipe holds. Opening one costs a
 * quarter of what `govctl version` takes; more than this, and a slow reader could keep signals from being heard.
 */
const quickBytes = 16 * 1024;

function sink(fd: 1 | 2, open: () => NodeJS.WriteStream, onReaderGone: () => void): Sink {
  let gone = false;
  let stream: NodeJS.WriteStream | undefined;
  let quick = 0;

  const leave = () => {
    if (!gone) onReaderGone();
    gone = true;
  };
  const opened = (): NodeJS.WriteStream => {
    if (stream === undefined) {
      stream = open();
      // Without a listener a broken pipe is an uncaught exception; what else goes wrong reaches the caller of write().
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (readerGone.has(error.code ?? '')) leave();
      });
    }
    return stream;
  };
  /** What could not be written at once: all of it when the other end takes nothing now. */
  const writeQuickly = (bytes: Uint8Array): Uint8Array => {
    let rest = bytes;
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? '';
        if (code === 'EAGAIN') return rest;
        if (!readerGone.has(code)) throw error;
        leave();
        return rest.subarray(rest.length);
      }
    }
    return rest;
  };

  return {
    get raw() {
      return opened();
    },
    get isTerminal() {
      return isTerminal(fd);
    },
    get columns() {
      // Some terminals report a width of 0.
      return (isTerminal(fd) ? opened().columns : 0) || 80;
    },
    write: async (chunk) => {
      let bytes: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      if (stream === undefined && quick + bytes.length <= quickBytes && !gone) {
        quick += bytes.length;
        bytes = writeQuickly(bytes);
      }
      if (gone || bytes.length === 0) return;
      await new Promise<void>((resolve, reject) => {
        opened().write(bytes, (error: NodeJS.ErrnoException | null | undefined) => {
          if (error == null || readerGone.has(error.code ?? '')) resolve();
          else reject(error);
        });
      });
    },
  };
}

/** Loads what knows terminals only for something that could be one: neither a pipe, nor a file, nor /dev/null. */
function isTerminal(fd: 0 | 1 | 2): boolean {
  try {
    const found = fstatSync(fd);
    if (!found.isCharacterDevice() || found.rdev === statSync('/dev/null').rdev) return false;
  } catch {
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(fd);
}

export function processStreams(onReaderGone: () => void): Streams {
  return {
    get stdin() {
      return {
        isTerminal: isTerminal(0),
        get stream() {
          return process.stdin;
        },
      };
    },
    stdout: sink(1, () => process.stdout, onReaderGone),
    stderr: sink(
      2,
      () => process.stderr,
      () => {},
    ),
  };
}
