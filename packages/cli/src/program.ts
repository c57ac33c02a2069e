import type { Entry } from './command.ts';
import { generalCommands } from './commands/general/declaration.ts';

/** Everything govctl can do, in the order help shows it. */
export const program: readonly Entry[] = [...generalCommands];
