import { wantsColor } from './color.ts';
import type { Progress } from './progress.ts';
import type { Streams } from './stream.ts';

export type IoSettings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly noColor: boolean;
  readonly quiet: boolean;
  readonly noInput: boolean;
  readonly yes: boolean;
  /** The output is for a program: standard error then carries one problem object or nothing, unless a person watches it. */
  readonly machine: boolean;
};

export type Question = {
  /** A whole sentence that says what will happen. */
  readonly question: string;
  /** The flag that answers it, for the error message where nobody can be asked. */
  readonly flag: string;
};

/** The only way a command meets the person or program that called it. */
export type Io = {
  readonly streams: Streams;
  readonly color: { readonly stdout: boolean; readonly stderr: boolean };
  /** A person can be asked: terminal on both sides, no CI, no --no-input. */
  readonly interactive: boolean;
  /** A line of standard error that is neither result nor error; silent with --quiet and for programs. */
  note(text: string): Promise<void>;
  /** A line that should be read even with --quiet. */
  warn(text: string): Promise<void>;
  /** A long work: a spinner or bar on a terminal, one plain line per phase elsewhere. Always end it with done() or fail(). */
  progress(label: string): Promise<Progress>;
  /**
   * A moderate question: yes with --yes, asked on a terminal.
   * @throws Problem `prompt-needed` where nobody can be asked, `cancelled` when the answer is no
   */
  confirm(question: Question): Promise<void>;
  /**
   * A severe one: the name of the thing has to be repeated, by `--confirm NAME` or typed.
   * @throws Problem `usage` when the name is another, `prompt-needed`, `cancelled`
   */
  confirmName(question: Question & { readonly name: string; readonly given: string | undefined }): Promise<void>;
  /** @throws Problem `prompt-needed`, `cancelled` */
  ask(question: Question & { readonly secret?: boolean }): Promise<string>;
  /**
   * Everything on standard input, at most `limit` bytes.
   * @throws Problem `usage` when there is more
   */
  readStdin(limit: number): Promise<Buffer>;
};

/** Builds what commands see of the outside; everything that is not needed by every command is loaded when used. */
export function createIo(streams: Streams, settings: IoSettings, signal: AbortSignal): Io {
  const lazily = <T>(get: () => T) => {
    let value: { is: T } | undefined;
    return () => {
      value ??= { is: get() };
      return value.is;
    };
  };
  const color = lazily(() => ({
    stdout: wantsColor(settings.env, streams.stdout.isTerminal, settings.noColor),
    stderr: wantsColor(settings.env, streams.stderr.isTerminal, settings.noColor),
  }));
  const interactive = lazily(() => !settings.noInput && isOff(settings.env.CI) && streams.stdin.isTerminal && streams.stderr.isTerminal);
  const silent = () => settings.quiet || (settings.machine && !streams.stderr.isTerminal);
  const prompter = async () =>
    (await import('./prompt.ts')).createPrompter({ streams, interactive: interactive(), yes: settings.yes, signal });

  return {
    streams,
    get color() {
      return color();
    },
    get interactive() {
      return interactive();
    },
    note: async (text) => {
      if (!silent()) await streams.stderr.write(`${text}\n`);
    },
    warn: async (text) => {
      if (!(settings.machine && !streams.stderr.isTerminal)) await streams.stderr.write(`warning: ${text}\n`);
    },
    progress: async (label) =>
      (await import('./progress.ts')).startProgress(label, { sink: streams.stderr, silent: silent(), color: color().stderr }),
    confirm: async (question) => (await prompter()).confirm(question),
    confirmName: async (question) => (await prompter()).confirmName(question),
    ask: async (question) => (await prompter()).ask(question),
    readStdin: async (limit) => (await import('./read.ts')).readAll(streams.stdin, limit, signal),
  };
}

function isOff(value: string | undefined): boolean {
  return value === undefined || value === '' || value === '0' || value === 'false';
}
