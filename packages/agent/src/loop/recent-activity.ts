/** Callers that ask one thing after another wait between two questions too: for this long they still count as waiting. */
const recentMs = 250;

/** Tells background work whether somebody is being served right now. */
export function recentActivity(monotonicMs: () => number = () => performance.now()) {
  let last = Number.NEGATIVE_INFINITY;
  return {
    noticed(): void {
      last = monotonicMs();
    },
    active(): boolean {
      return monotonicMs() - last < recentMs;
    },
  };
}
