export { wantsColor } from './color.ts';
export { createIo, type Io, type IoSettings, type Question } from './io.ts';
export type { Amount, Progress } from './progress.ts';
export { processStreams, type Sink, type Source, type Streams } from './stream.ts';
