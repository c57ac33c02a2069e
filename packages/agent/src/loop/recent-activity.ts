/**
 * Callers that ask one thing after another wait between two questions too: for this long they still count as waiting. Whoever looks
 * a few times a second is not held up by a longer batch, and must not keep background work in short ones.
 */
const recentMs = 40;

/**
 * Tells background work whether somebody is being served right now. Until it is told of the first, somebody waits for the start to end.
 */
export function recentActivity(monotonicMs: () => number = () => performance.now()) {
  let last = Number.POSITIVE_INFINITY;
  return {
    noticed(): void {
      last = monotonicMs();
    },
    active(): boolean {
      return monotonicMs() - last < recentMs;
    },
  };
}
