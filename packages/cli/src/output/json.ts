/** Two spaces, the envelope first, then the order of the schema: the same state gives the same bytes. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(envelopeFirst(value), null, 2)}\n`;
}

export function formatNdjson(value: unknown): string {
  return `${JSON.stringify(envelopeFirst(value))}\n`;
}

function envelopeFirst(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return value;
  const { schemaVersion, kind, ...rest } = value as Record<string, unknown>;
  return { schemaVersion, kind, ...rest };
}
