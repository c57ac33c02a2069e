import { type EventType, eventTypes } from './event.ts';

/** `run.completed,store.*`: exact types, or all whose name starts so. Null where no type that exists could match. */
export function typesMatching(pattern: string | undefined): ReadonlySet<EventType> | null {
  if (pattern === undefined) return new Set(eventTypes);
  const matching = new Set<EventType>();
  for (const part of pattern.split(',').map((text) => text.trim())) {
    const found = eventTypes.filter((type) => part === '*' || type === part || (part.endsWith('.*') && type.startsWith(part.slice(0, -1))));
    if (found.length === 0) return null;
    for (const type of found) matching.add(type);
  }
  return matching;
}
