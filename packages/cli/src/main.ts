import { processStreams } from './io/stream.ts';
import { program } from './program.ts';
import { runProgram } from './run.ts';

const stop = new AbortController();

// Once each: a second signal meets no listener and ends the process the system's own way.
process.once('SIGINT', () => stop.abort('interrupted'));
process.once('SIGTERM', () => stop.abort('terminated'));

// Never process.exit(): what was written to a pipe would be cut off.
process.exitCode = await runProgram(program, process.argv.slice(2), {
  streams: processStreams(() => stop.abort('reader-gone')),
  env: process.env,
  cwd: process.cwd(),
  signal: stop.signal,
  now: () => new Date(),
});
