/** What a shell can offer for a value; ids are asked of the daemon within a short budget. */
export type Completes = 'dataset' | 'snapshot' | 'run' | 'contract' | 'gate' | 'context' | 'topic' | 'shell' | 'quality-kind' | 'file';

type Common = {
  /** One line for help; starts with a capital, no full stop. */
  readonly summary: string;
  /** One letter, without the dash. */
  readonly short?: string;
  readonly hidden?: true;
  /** Environment twin: read when the flag is not given. */
  readonly env?: string;
};

type Valued = Common & {
  /** What help shows for the value: `S`, `FILE`, `DURATION`. */
  readonly value: string;
  readonly completes?: Completes;
  readonly required?: true;
};

/**
 * A flag, as data. `bare` is the value of a flag given without one (`--dry-run` means `--dry-run=local`): such a flag takes a
 * value only as `--flag=value`, so that it never swallows the argument after it.
 */
export type Flag =
  | (Common & { readonly type: 'boolean' })
  | (Valued & { readonly type: 'string'; readonly choices?: readonly string[]; readonly default?: string; readonly bare?: string })
  | (Valued & { readonly type: 'integer'; readonly min?: number; readonly default?: number })
  /** `90s`, `15m`, `24h`, `7d`; arrives as milliseconds. */
  | (Valued & { readonly type: 'duration'; readonly default?: string })
  /** RFC 3339, any offset; arrives in UTC with milliseconds. */
  | (Valued & { readonly type: 'time' })
  /** Given as often as needed; arrives as a list, empty when never given. */
  | (Valued & { readonly type: 'list'; readonly choices?: readonly string[] });

export type Flags = Readonly<Record<string, Flag>>;

type Camel<S extends string> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;
type Choice<F> = F extends { choices: readonly (infer C)[] } ? C : string;
type Present<F> = F extends { required: true } | { default: string | number } ? true : false;
type Maybe<F, T> = Present<F> extends true ? T : T | undefined;

type FlagValue<F> = F extends { type: 'boolean' }
  ? boolean
  : F extends { type: 'integer' | 'duration' }
    ? Maybe<F, number>
    : F extends { type: 'list' }
      ? Choice<F>[]
      : Maybe<F, Choice<F>>;

/** The flags of a declaration as `run` receives them: `--run-id` is `runId`. */
export type FlagValues<F extends Flags> = { readonly [K in keyof F & string as Camel<K>]: FlagValue<F[K]> };

export function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export const outputFormats = ['table', 'json', 'yaml', 'ndjson', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** What build servers read; commands that show answers of gates have these too. */
export const gateFormats = ['sarif', 'junit', 'github'] as const;

/** Flags of every command; each may stand before or after the verb. */
export const globalFlags = {
  context: {
    type: 'string',
    value: 'NAME',
    summary: 'Context to use instead of the current one',
    env: 'GOVCTL_CONTEXT',
    completes: 'context',
  },
  config: { type: 'string', value: 'FILE', summary: 'CLI configuration file', env: 'GOVCTL_CONFIG', completes: 'file' },
  socket: { type: 'string', value: 'PATH', summary: "govd's unix socket, instead of a context", env: 'GOVCTL_SOCKET', completes: 'file' },
  output: { type: 'string', value: 'FORMAT', short: 'o', summary: 'table, json, yaml, ndjson or name', env: 'GOVCTL_OUTPUT' },
  field: { type: 'string', value: 'PATH', summary: 'Print one field of the result, raw: decision.run_id, gates[0].code' },
  quiet: { type: 'boolean', short: 'q', summary: 'No notes and no progress on standard error', env: 'GOVCTL_QUIET' },
  'no-color': { type: 'boolean', summary: 'No colour (also NO_COLOR, TERM=dumb)' },
  timeout: { type: 'duration', value: 'DURATION', summary: 'How long to wait: 30s, 10m', env: 'GOVCTL_TIMEOUT' },
  yes: { type: 'boolean', short: 'y', summary: 'Answer moderate questions with yes', env: 'GOVCTL_YES' },
  'no-input': { type: 'boolean', summary: 'Never ask; fail where a question would be needed', env: 'GOVCTL_NO_INPUT' },
} as const satisfies Flags;

export type GlobalValues = FlagValues<typeof globalFlags>;
