import type { EventDraft } from './event.ts';

type Shared = Omit<EventDraft, 'type' | 'data'>;
type Packed = { readonly shared: Shared; readonly items: readonly (readonly [EventDraft['type'], EventDraft['data']])[] };

/** JSON text of a unit's events. What all of them say alike is written once: a promotion's seven events fit a third of the bytes. */
export function packEvents(drafts: readonly EventDraft[]): string {
  const [first] = drafts;
  if (first === undefined || drafts.length === 1) return JSON.stringify(drafts);
  const { type: _type, data: _data, ...shared } = first;
  const keys = Object.keys(shared) as (keyof Shared)[];
  const alike = drafts.every((draft) => Object.keys(draft).length === keys.length + 2 && keys.every((key) => draft[key] === first[key]));
  if (!alike) return JSON.stringify(drafts);
  const packed: Packed = { shared, items: drafts.map(({ type, data }) => [type, data]) };
  return JSON.stringify(packed);
}

/** The drafts again, from either form: the handoff tail writes plain arrays. */
export function unpackEvents(text: string): EventDraft[] {
  const parsed = JSON.parse(text) as Packed | EventDraft[];
  if (Array.isArray(parsed)) return parsed;
  return (parsed as Packed).items.map(([type, data]) => ({ type, ...(parsed as Packed).shared, data }));
}
