/** A loop as its watcher sees it. */
type WatchedLoop = {
  readonly name: string;
  /** For how long the present round has been going on, in milliseconds; 0 between two rounds. */
  roundMs(): number;
};

/** Every loop of this process, so that somebody can tell when one of them hangs: a process that is alive may do nothing. */
export type LoopWatch = {
  /** @returns what ends the watching */
  add(loop: WatchedLoop): () => void;
  /** Loops whose present round has lasted longer than this. A round that fails is over: failing is not hanging. */
  stalled(limitMs: number): readonly string[];
};

export function loopWatch(): LoopWatch {
  const loops = new Set<WatchedLoop>();
  return {
    add(loop) {
      loops.add(loop);
      return () => loops.delete(loop);
    },
    stalled: (limitMs) => [...loops].filter((loop) => loop.roundMs() > limitMs).map((loop) => loop.name),
  };
}
