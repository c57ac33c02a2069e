import { Chalk } from 'chalk';
import type { Paint } from './paint.ts';

/** Sixteen colours, which every terminal has; whether to use them was decided elsewhere. */
export function colors(): Paint {
  const chalk = new Chalk({ level: 1 });
  return { good: chalk.green, bad: chalk.red, wait: chalk.yellow, strong: chalk.bold, faint: chalk.dim };
}
