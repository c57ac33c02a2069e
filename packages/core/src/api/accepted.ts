import type { z } from 'zod';

/** What zod keeps of a schema and of its checks, as far as it is told here. */
type Definition = {
  readonly type: string;
  readonly format?: string;
  readonly protocol?: RegExp;
  readonly checks?: readonly { readonly _zod: { readonly def: Check } }[];
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly values?: readonly unknown[];
  readonly options?: readonly z.core.$ZodType[];
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
};
type Check = {
  readonly check?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly length?: number;
  readonly value?: number | bigint;
  readonly inclusive?: boolean;
  readonly error?: (issue: never) => unknown;
};

/** Formats that zod checks by itself; patterns of our own say what they are where they are written. */
const formats: Readonly<Record<string, string>> = {
  datetime: 'a time in UTC, like 2026-11-21T03:00:00Z',
  date: 'a day, like 2026-11-21',
  url: 'a URL, like https://govd.example:8443',
  ipv4: 'an IPv4 address, like 127.0.0.1',
  ipv6: 'an IPv6 address, like ::1',
  base64: 'base64',
  base64url: 'base64url',
  email: 'an e-mail address',
  uuid: 'a UUID',
};

/** What a schema takes, as a noun that follows `must be`: `a whole number from 1 to 500`. */
export function accepted(schema: z.core.$ZodType): string {
  const def = definitionOf(schema);
  switch (def.type) {
    case 'string':
      return textOf(def);
    case 'number':
    case 'int':
    case 'bigint':
      return numberOf(def);
    case 'boolean':
      return 'true or false';
    case 'enum':
      return choice(Object.values(def.entries ?? {}).map(String));
    case 'literal':
      return choice((def.values ?? []).map(String));
    case 'null':
      return 'null';
    case 'array':
    case 'tuple':
    case 'set':
      return `a list${sized(def, 'entry', 'entries')}`;
    case 'object':
    case 'record':
    case 'map':
      return `an object${withFields(def)}`;
    case 'union':
      return [...new Set((def.options ?? []).map(accepted))].join(', or ');
    case 'nullable':
      return `${inside(def)}, or null`;
    case 'pipe':
      return def.in === undefined ? 'a value' : accepted(def.in);
    default:
      // A lazy schema may contain itself; what has nothing inside takes anything.
      return def.innerType === undefined ? 'a value' : inside(def);
  }
}

/** Names of the fields that an object may have; empty for everything else. */
export function fieldsOf(schema: z.core.$ZodType | undefined): readonly string[] {
  return schema === undefined ? [] : Object.keys(definitionOf(schema).shape ?? {});
}

/** One of several words: `RAW, GDP or KPI`. */
export function choice(words: readonly string[]): string {
  const most = 24;
  if (words.length > most) return `one of ${words.slice(0, most).join(', ')}, ... (${words.length} in all)`;
  return words.length < 2 ? (words[0] ?? 'nothing') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function definitionOf(schema: z.core.$ZodType): Definition {
  return schema._zod.def as unknown as Definition;
}

const inside = (def: Definition) => (def.innerType === undefined ? 'a value' : accepted(def.innerType));

const checksOf = (def: Definition): Check[] => (def.checks ?? []).map(({ _zod }) => _zod.def);

function textOf(def: Definition): string {
  if (def.format === 'url') return urlOf(def);
  const format = formats[def.format ?? ''];
  if (format !== undefined) return format;
  const pattern = checksOf(def).find(({ check, format }) => check === 'string_format' && format === 'regex');
  const said = pattern?.error?.({} as never);
  if (typeof said === 'string') return said;
  const [least, most] = lengthOf(def);
  if (least === 1 && most === undefined) return 'text that is not empty';
  return `text${between(least, most, 'character', 'characters')}`;
}

/** Of a pattern of protocols, which ones: `^https?$` is both. */
function urlOf({ protocol }: Definition): string {
  const schemes = ['http', 'https'].filter((scheme) => protocol?.test(scheme) ?? false);
  return schemes.length === 1 ? `a URL that starts with ${schemes[0]}://` : (formats.url ?? 'a URL');
}

function numberOf(def: Definition): string {
  const checks = checksOf(def);
  const whole = def.type !== 'number' || def.format !== undefined || checks.some(({ check }) => check === 'number_format');
  const bound = (check: string) => checks.find((one) => one.check === check);
  const [least, most] = [bound('greater_than'), bound('less_than')];
  const from = least === undefined ? '' : least.inclusive === true ? ` from ${least.value}` : ` over ${least.value}`;
  const known = most?.value !== undefined && most.value < Number.MAX_SAFE_INTEGER;
  const to = !known ? '' : `${from === '' ? ' up' : ''} to ${most.value}${most.inclusive === true ? '' : ' (less than that)'}`;
  return `${whole ? 'a whole number' : 'a number'}${from}${to}`;
}

function lengthOf(def: Definition): [least: number | undefined, most: number | undefined] {
  const checks = checksOf(def);
  const exact = checks.find(({ check }) => check === 'length_equals' || check === 'size_equals')?.length;
  return [
    exact ?? checks.find(({ check }) => check === 'min_length' || check === 'min_size')?.minimum,
    exact ?? checks.find(({ check }) => check === 'max_length' || check === 'max_size')?.maximum,
  ];
}

function sized(def: Definition, one: string, many: string): string {
  const [least, most] = lengthOf(def);
  return between(least, most, one, many).replace(/^ of/, ' with');
}

function between(least: number | undefined, most: number | undefined, one: string, many: string): string {
  const units = (count: number | undefined) => (count === 1 ? one : many);
  const from = least === 0 ? undefined : least;
  if (from === undefined) return most === undefined ? '' : ` of at most ${most} ${units(most)}`;
  if (most === undefined) return ` of at least ${from} ${units(from)}`;
  return from === most ? ` of ${most} ${units(most)}` : ` of ${from} to ${most} ${units(most)}`;
}

/** The fields it cannot do without, where they are few enough to be read. */
function withFields(def: Definition): string {
  const needed = Object.entries(def.shape ?? {})
    .filter(([, field]) => field._zod.optin === undefined)
    .map(([name]) => name);
  if (needed.length === 0 || needed.length > 6) return '';
  return ` with ${needed.length === 1 ? needed[0] : `${needed.slice(0, -1).join(', ')} and ${needed.at(-1)}`}`;
}
