import type { PauseDocument } from '@govctl/core/run';

const atTimeout = { TERMINATE: 'then it ends', CONTINUE: 'then it goes on', ESCALATE: 'then somebody is called, and it stays paused' };

/** Why a run is paused, who may resume it, and what happens when nobody does. */
export function pausePairs(pause: PauseDocument | null): (readonly [name: string, value: unknown])[] {
  if (pause === null) return [];
  const { reason, detail, paused_by, paused_at, expires_at, timeout, authorities, lock_key, escalated_at } = pause;
  return [
    ['paused', `${paused_at} by ${paused_by} (${reason}): ${detail}`],
    ['may resume', authorities.join(', ')],
    [
      'at the latest',
      escalated_at === null ? `${expires_at}, ${atTimeout[timeout]}` : `time ran out, somebody was called at ${escalated_at}`,
    ],
    ...(lock_key === null ? [] : [['lock kept', lock_key] as const]),
  ];
}
