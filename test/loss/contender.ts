import { controls, cursorTailer } from './cursor-tailer.ts';
import { ownTailer } from './own-tailer.ts';
import type { MakeTailer } from './run.ts';

/** Every tailer that can be put to the test, by the name it goes by on the command line. */
export const contenders: Readonly<Record<string, MakeTailer>> = {
  ours: ownTailer,
  cursor: (server, database) => cursorTailer(server, database, controls.naive),
  xmin: (server, database) => cursorTailer(server, database, controls.fenced),
};
