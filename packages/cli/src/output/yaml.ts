// A module of its own, imported lazily: the library is CommonJS, and a bundled dynamic import of such a one has no named exports.
import { stringify } from 'yaml';

/** YAML of plain data: long strings stay on one line, and nothing is an alias. */
export function formatYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
