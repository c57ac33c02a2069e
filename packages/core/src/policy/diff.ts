import type { Pack, Rule } from './pack.ts';

export type FieldChange = { readonly field: keyof Rule; readonly from: string | null; readonly to: string | null };

export type PackDiff = {
  readonly name: { readonly from: string; readonly to: string };
  readonly version: { readonly from: string; readonly to: string };
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly { readonly rule: string; readonly changes: readonly FieldChange[] }[];
};

const fields: readonly (keyof Rule)[] = ['on', 'severity', 'require', 'message', 'resolve', 'effective_on', 'max_age', 'waivable'];

/** What changes for those who are judged: rules by id, field by field. Fixtures are not part of it. */
export function diffPacks(from: Pack, to: Pack): PackDiff {
  const before = new Map(from.rules.map((rule) => [rule.id, rule]));
  const after = new Map(to.rules.map((rule) => [rule.id, rule]));
  return {
    name: { from: from.name, to: to.name },
    version: { from: from.version, to: to.version },
    added: to.rules.map(({ id }) => id).filter((id) => !before.has(id)),
    removed: from.rules.map(({ id }) => id).filter((id) => !after.has(id)),
    changed: from.rules.flatMap((rule) => {
      const other = after.get(rule.id);
      const changes = other === undefined ? [] : changesOf(rule, other);
      return changes.length === 0 ? [] : [{ rule: rule.id, changes }];
    }),
  };
}

function changesOf(from: Rule, to: Rule): FieldChange[] {
  return fields.flatMap((field) => {
    const [before, after] = [shown(from[field]), shown(to[field])];
    return before === after ? [] : [{ field, from: before, to: after }];
  });
}

function shown(value: Rule[keyof Rule]): string | null {
  if (value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
