import { Problem } from '@govctl/core/api';
import type { ServerSentEvent } from './client.ts';

const lineLimit = 8 * 1024 * 1024;

/** Reads a `text/event-stream` (WHATWG HTML, server-sent events): fields `event`, `data`, `id`; comments keep the line alive. */
export async function* parseEvents(bytes: AsyncIterable<Uint8Array>): AsyncIterable<ServerSentEvent> {
  const decoder = new TextDecoder('utf-8');
  let buffer = '';
  let event = '';
  let id: string | null = null;
  let data: string[] = [];
  for await (const chunk of bytes) {
    buffer += decoder.decode(chunk, { stream: true });
    if (buffer.length > lineLimit) throw new Problem('internal', { detail: 'an event of the stream has no end' });
    let end = buffer.search(/\r\n|\n|\r(?!$)/);
    while (end !== -1) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + (buffer.startsWith('\r\n', end) ? 2 : 1));
      if (line === '') {
        if (data.length > 0) yield { id, event: event === '' ? 'message' : event, data: parseData(data.join('\n')) };
        event = '';
        data = [];
      } else if (!line.startsWith(':')) {
        const colon = line.indexOf(':');
        const field = colon === -1 ? line : line.slice(0, colon);
        const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (field === 'event') event = value;
        else if (field === 'data') data.push(value);
        else if (field === 'id' && !value.includes('\0')) id = value;
      }
      end = buffer.search(/\r\n|\n|\r(?!$)/);
    }
  }
}

function parseData(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem('internal', { detail: 'govd sent an event that is not JSON', cause: error });
  }
}
