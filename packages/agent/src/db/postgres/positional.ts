import { createHash } from 'node:crypto';
import type { SqlParams, SqlValue } from '../query.ts';

export type PositionalStatement = {
  /** Name of the prepared statement: the same text has the same name on every connection. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly SqlValue[];
};

type Compiled = { readonly name: string; readonly text: string; readonly names: readonly string[] };

const compiled = new Map<string, Compiled>();

/**
 * `:named` parameters as PostgreSQL takes them: `$1::type`. The type is the value's own, so that the server never has to guess one
 * from a place that does not tell (`$1 + 1`). A null has no type to tell and stands in the text as NULL, which also lets the planner
 * leave out what `:x IS NULL OR ...` makes void.
 *
 * Quoted text, comments and `::` casts are left as they are.
 */
export function positional(sql: string, params: SqlParams): PositionalStatement {
  const key = `${typeKey(params)}\0${sql}`;
  let known = compiled.get(key);
  if (known === undefined) {
    known = compile(sql, params);
    compiled.set(key, known);
  }
  const values = known.names.map((name) => params[name] ?? null);
  return { name: known.name, text: known.text, values };
}

function typeKey(params: SqlParams): string {
  let key = '';
  for (const name of Object.keys(params)) key += `${name}${castOf(params[name] ?? null)}`;
  return key;
}

function castOf(value: SqlValue): string {
  if (value === null) return '?';
  if (typeof value === 'string') return '::text';
  if (typeof value === 'number') return Number.isInteger(value) ? '::bigint' : '::double precision';
  return '::bytea';
}

const token = /'(?:[^']|'')*'|"[^"]*"|--[^\n]*|::|:([A-Za-z_]\w*)/g;

function compile(sql: string, params: SqlParams): Compiled {
  const names: string[] = [];
  const text = sql.replace(token, (whole: string, name: string | undefined) => {
    if (name === undefined) return whole;
    if (!(name in params)) throw new RangeError(`a statement asks for :${name}, which was not given`);
    if (params[name] === null) return 'NULL';
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}${castOf(params[name] ?? null)}`;
  });
  return { name: `g_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`, text, names };
}
