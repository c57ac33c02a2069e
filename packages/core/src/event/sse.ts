/**
 * One server-sent event (WHATWG HTML, 9.2) as it goes over the wire. Data is JSON on one line, so that no line break can start another
 * field.
 */
export function formatSse(message: { readonly event?: string; readonly id?: string; readonly data: unknown }): string {
  const id = message.id === undefined ? '' : `id: ${message.id}\n`;
  const event = message.event === undefined ? '' : `event: ${message.event}\n`;
  return `${id}${event}data: ${JSON.stringify(message.data)}\n\n`;
}

/** A line that readers skip: shows both ends that the other is there. */
export const sseHeartbeat = ': still here\n\n';
