import { stringify } from 'yaml';

/** The same document as YAML: no folded lines, no anchors, so that any reader takes it. */
export function formatYaml(document: unknown): string {
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}
