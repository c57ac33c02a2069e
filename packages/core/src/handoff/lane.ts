/**
 * So many rows of the outbox may wait for the dispatcher. When more do, the lane is full: births are captured as if their type were not
 * active, and delivered when there is room again. The tail never stops for it.
 */
export const laneRowLimit = 2_000;
