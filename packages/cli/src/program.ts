import type { Entry } from './command.ts';
import { apikeyCommands } from './commands/apikey/declaration.ts';
import { configCommands } from './commands/config/declaration.ts';
import { contextCommands } from './commands/context/declaration.ts';
import { eventCommands } from './commands/event/declaration.ts';
import { generalCommands } from './commands/general/declaration.ts';
import { snapshotCommands } from './commands/snapshot/declaration.ts';

/** Everything govctl can do, in the order help shows it: what people use most first. */
export const program: readonly Entry[] = [
  ...snapshotCommands,
  ...eventCommands,
  ...apikeyCommands,
  ...configCommands,
  ...contextCommands,
  ...generalCommands,
];
