import { parseArgs } from 'node:util';

export type SuiteOptions = {
  readonly seeds: readonly number[];
  readonly seconds: number;
  readonly writers: number;
  /** See `PlanOptions`. */
  readonly raids: boolean;
  readonly tailers: readonly string[];
};

/** What is wrong with a command line, and what to write instead. */
export class Usage extends Error {}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Usage(`--${name} is ${text}: a whole number from 1 to ${most}`);
  return value;
}

/** @throws Usage */
export function parseOptions(argv: readonly string[], tailers: readonly string[]): SuiteOptions {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        seed: { type: 'string', default: '1,2,3' },
        seconds: { type: 'string', default: '20' },
        writers: { type: 'string', default: '24' },
        raids: { type: 'boolean', default: false },
        tailer: { type: 'string', default: tailers.join(',') },
      },
    });
    if (positionals.join(' ') !== 'handoff') throw new Usage('the only thing that can be put to the test is: handoff');
    const chosen = values.tailer.split(',');
    for (const name of chosen) if (!tailers.includes(name)) throw new Usage(`no tailer ${name}: one of ${tailers.join(', ')}`);
    return {
      seeds: values.seed.split(',').map((seed) => wholeNumber('seed', seed, 1_000_000)),
      seconds: wholeNumber('seconds', values.seconds, 3600),
      writers: wholeNumber('writers', values.writers, 100),
      raids: values.raids,
      tailers: chosen,
    };
  } catch (error) {
    throw error instanceof Usage ? error : new Usage((error as Error).message);
  }
}
