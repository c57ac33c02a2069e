import type { z } from 'zod';
import { accepted, choice, fieldsOf } from './accepted.ts';
import { nearest } from './nearest.ts';
import type { ProblemReason } from './problem.ts';

/** One thing that is wrong with what somebody wrote: where, and what would be right. What they wrote is never repeated: it may be a secret. */
export type Fault = { readonly path: readonly PropertyKey[]; readonly message: string };

export type Read<T> =
  | { readonly ok: true; readonly value: T; readonly faults: readonly [] }
  | { readonly ok: false; readonly value: undefined; readonly faults: readonly [Fault, ...Fault[]] };

/**
 * Reads a value against a schema. Whatever people write goes through here (requests, files, lines of imports), so that a refusal
 * sounds alike everywhere: the field, what it must be, and the name that was meant where one is misspelt.
 *
 * @example readAs(z.strictObject({ size: z.int().min(1) }), { siez: 1 }).faults
 */
export function readAs<S extends z.ZodType>(schema: S, value: unknown): Read<z.output<S>> {
  const parsed = schema.safeParse(value, { error: said });
  if (parsed.success) return { ok: true, value: parsed.data, faults: [] };
  const [first = { path: [], message: 'is not accepted' }, ...others] = faultsOf(parsed.error.issues, []);
  return { ok: false, value: undefined, faults: [first, ...others] };
}

/** A path as people write it: `rules[2].require`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const name = shortened(String(step));
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** Faults as the reasons of a problem. `at` says whose fields they are, where a request has several: `query`. */
export function reasonsOf(faults: readonly Fault[], at: readonly PropertyKey[] = []): ProblemReason[] {
  return faults.map(({ path, message }) => ({ path: pathText([...at, ...path]), message }));
}

/** The first faults in one line, and how many more there are. */
export function faultText(faults: readonly Fault[], at: readonly PropertyKey[] = []): string {
  const told = 3;
  const lines = faults.slice(0, told).map(({ path, message }) => {
    const place = pathText([...at, ...path]);
    return place === '' ? message : `${place}: ${message}`;
  });
  return `${lines.join('; ')}${faults.length > told ? `; and ${faults.length - told} more` : ''}`;
}

/** A name that somebody made up may be anything: a key pasted into the wrong place too. */
function shortened(name: string): string {
  return name.length > 64 ? `${name.slice(0, 16)}...` : name;
}

function said(issue: z.core.$ZodRawIssue): string {
  const schema = schemaOf(issue);
  const right = schema === undefined ? undefined : accepted(schema);
  switch (issue.code) {
    case 'unrecognized_keys':
      // A line a name: they become a fault each.
      return issue.keys.map((key) => unknownField(key, fieldsOf(schema))).join('\n');
    case 'invalid_type':
      return `${issue.input === undefined ? 'is missing: it ' : ''}must be ${right ?? `a ${issue.expected}`}${received(issue.expected, issue.input)}`;
    case 'invalid_value':
      return `${issue.input === undefined ? 'is missing: it ' : ''}must be ${choice(issue.values.map(String))}${meant(issue.input, issue.values)}`;
    case 'invalid_union':
      return unfit(issue, right);
    case 'too_small':
      return issue.origin === 'string' && issue.input === '' ? 'must not be empty' : `must be ${right ?? `${issue.minimum} or more`}`;
    case 'too_big':
      return `must be ${right ?? `${issue.maximum} or less`}`;
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'custom':
      return 'is not accepted';
    default:
      return right === undefined ? 'is not accepted' : `must be ${right}`;
  }
}

/** A check names itself as what raised an issue; what the field takes is known by the schema it belongs to. */
function schemaOf(issue: z.core.$ZodRawIssue & { readonly schema?: unknown }): z.core.$ZodType | undefined {
  return [issue.schema, issue.inst].find(isSchema);
}

function isSchema(one: unknown): one is z.core.$ZodType {
  const def = (one as { readonly _zod?: { readonly def?: object } } | undefined)?._zod?.def;
  return def !== undefined && 'type' in def;
}

function unknownField(key: string, known: readonly string[]): string {
  const other = nearest(key, known);
  if (other !== undefined) return `unknown field '${shortened(key)}': did you mean '${other}'?`;
  const few = 12;
  const fields = known.length === 0 || known.length > few ? '' : `; known here: ${known.join(', ')}`;
  return `unknown field '${shortened(key)}'${fields}`;
}

function received(expected: string, input: unknown): string {
  if (input === undefined || Number.isNaN(input)) return '';
  const kind = input === null ? 'null' : Array.isArray(input) ? 'a list' : kinds[typeof input];
  if (kind === undefined || (expected === 'int' && typeof input === 'number')) return '';
  const plain = typeof input === 'number' || typeof input === 'boolean';
  return `, and is ${kind}${expected === 'string' && plain ? ' (put it in quotes)' : ''}`;
}

const kinds: Readonly<Partial<Record<string, string>>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
};

function meant(input: unknown, values: readonly unknown[]): string {
  const word = typeof input === 'string' && values.length > 1 ? nearest(input, values.map(String)) : undefined;
  return word === undefined ? '' : `; did you mean ${word}?`;
}

function unfit(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidUnion>, right: string | undefined): string {
  const { options, discriminator, input } = issue as { options?: readonly unknown[]; discriminator?: string; input?: unknown };
  if (options === undefined || discriminator === undefined) return `must be ${right ?? 'something else'}`;
  const given = (input as Readonly<Record<string, unknown>>)[discriminator];
  return `${given === undefined ? 'is missing: it ' : ''}must be ${choice(options.map(String))}${meant(given, options)}`;
}

function faultsOf(issues: readonly z.core.$ZodIssue[], above: readonly PropertyKey[]): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    const path = [...above, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      const lines = issue.message.split('\n');
      return issue.keys.map((key, index) => ({ path: [...path, key], message: lines[index] ?? 'unknown field' }));
    }
    if (issue.code === 'invalid_key') return faultsOf(issue.issues, []).map(({ message }) => ({ path, message: `its name ${message}` }));
    if (issue.code === 'invalid_union') {
      const nearestOption = deepest(issue.errors);
      if (nearestOption !== undefined) return faultsOf(nearestOption, path);
    }
    return [{ path, message: issue.code === 'invalid_format' ? phrased(issue.message) : issue.message }];
  });
}

/** Patterns say what they take as a noun (`a digest: ...`), wherever they are written. */
const phrased = (message: string) => (/^(must|is) /.test(message) ? message : `must be ${message}`);

/** Of the forms a value may have, the one it has most of: whoever writes an object means the object. */
function deepest(options: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const inner = options.filter((issues) => issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'));
  return inner.toSorted((a, b) => a.length - b.length)[0];
}
