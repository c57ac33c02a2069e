/** One thing an installation does, or finds done. What is refused is refused before the first step is carried out. */
export type Step = {
  readonly verb: 'write' | 'replace' | 'copy' | 'make' | 'run' | 'remove' | 'keep' | 'unchanged';
  /** What it is about: a path, or words. */
  readonly what: string;
  carryOut?(): void | Promise<void>;
};

/** Carries the steps out, or only tells of them. */
export async function carryOut(steps: readonly Step[], dryRun: boolean, tell: (line: string) => void): Promise<void> {
  for (const { verb, what, carryOut: act } of steps) {
    tell(`${dryRun && act !== undefined ? 'would ' : ''}${verb} ${what}`);
    if (!dryRun) await act?.();
  }
}
