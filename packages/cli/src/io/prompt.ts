import { Problem } from '@govctl/core/api';
import type { Io, Question } from './io.ts';
import type { Streams } from './stream.ts';

type PrompterOptions = { readonly streams: Streams; readonly interactive: boolean; readonly yes: boolean; readonly signal: AbortSignal };

/** Questions on standard error, and only to a person; a script is told which flag answers instead of being left hanging. */
export function createPrompter(options: PrompterOptions): Pick<Io, 'confirm' | 'confirmName' | 'ask'> {
  const { streams, interactive, yes, signal } = options;

  const assertPerson = (question: Question): void => {
    if (interactive) return;
    throw new Problem('prompt-needed', { detail: `${question.question} Nobody can be asked here`, hint: `give ${question.flag}` });
  };

  // Ctrl-C, end of input and a cancelled signal all arrive as an exception of the library: they mean the same to us.
  const asked = async <T>(
    prompt: (settings: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream; signal: AbortSignal }) => Promise<T>,
  ) => {
    try {
      return await prompt({ input: streams.stdin.stream, output: streams.stderr.raw, signal });
    } catch (error) {
      throw new Problem('cancelled', { detail: 'cancelled at the question: nothing was done', cause: error });
    }
  };

  return {
    async confirm(question) {
      if (yes) return;
      assertPerson(question);
      const { confirm } = await import('@inquirer/prompts');
      if (!(await asked((settings) => confirm({ message: question.question, default: false }, settings)))) {
        throw new Problem('cancelled', { detail: 'answered no: nothing was done' });
      }
    },

    async confirmName({ name, given, ...question }) {
      if (given === undefined) assertPerson({ ...question, flag: `${question.flag} ${name}` });
      const typed =
        given ??
        (await asked(async (settings) => {
          const { input } = await import('@inquirer/prompts');
          return input({ message: `${question.question} Type ${name} to go on:` }, settings);
        }));
      if (typed !== name)
        throw new Problem('usage', {
          detail: `${JSON.stringify(typed)} is not ${name}: nothing was done`,
          hint: `give ${question.flag} ${name}`,
        });
    },

    async ask({ secret, ...question }) {
      assertPerson(question);
      const { input, password } = await import('@inquirer/prompts');
      return asked((settings) =>
        secret === true ? password({ message: question.question }, settings) : input({ message: question.question }, settings),
      );
    },
  };
}
