/** How many refusals of one actor are recorded: a log that anybody can fill is a way to stop everybody. */
export type DenialLimit = {
  take(
    actorId: string,
    nowMs: number,
  ): { readonly granted: true; readonly unrecorded: number } | { readonly granted: false; readonly retryAfterSeconds: number };
};

type Window = { began: number; taken: number; unrecorded: number };

/** @param perWindow recorded refusals an actor has in `windowMs` */
export function denialLimit(perWindow = 20, windowMs = 60_000): DenialLimit {
  const windows = new Map<string, Window>();
  return {
    take(actorId, nowMs) {
      let window = windows.get(actorId);
      if (window === undefined || nowMs - window.began >= windowMs) {
        if (windows.size > 10_000) forgetOld(windows, nowMs - windowMs);
        window = { began: nowMs, taken: 0, unrecorded: window?.unrecorded ?? 0 };
        windows.set(actorId, window);
      }
      if (window.taken >= perWindow) {
        window.unrecorded += 1;
        return { granted: false, retryAfterSeconds: Math.max(1, Math.ceil((window.began + windowMs - nowMs) / 1000)) };
      }
      window.taken += 1;
      const { unrecorded } = window;
      window.unrecorded = 0;
      return { granted: true, unrecorded };
    },
  };
}

function forgetOld(windows: Map<string, Window>, before: number): void {
  for (const [actor, { began }] of windows) if (began < before) windows.delete(actor);
}
