import { canonicalJson } from '../evidence/jcs.ts';
import type { Contract } from './contract.ts';

export type ContractChange = {
  /** `defer.max`: the setting that changed. */
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
};

/** What another version of a contract demands differently, setting by setting; a list is one setting. */
export function diffContracts(from: Contract, to: Contract): ContractChange[] {
  return changes(from, to, '').toSorted((a, b) => (a.field < b.field ? -1 : 1));
}

function changes(from: unknown, to: unknown, field: string): ContractChange[] {
  if (isMap(from) && isMap(to)) {
    const keys = new Set([...Object.keys(from), ...Object.keys(to)]);
    return [...keys].flatMap((key) => changes(from[key], to[key], field === '' ? key : `${field}.${key}`));
  }
  if (canonicalJson(from ?? null) === canonicalJson(to ?? null)) return [];
  return [{ field, from: from ?? null, to: to ?? null }];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
