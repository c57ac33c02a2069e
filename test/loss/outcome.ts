import type { RunResult, TailerResult } from './run.ts';

const shownComplaints = 10;

/** Whether a tailer kept everything, and kept it right. How fast it was is told, and judged by nobody. */
function isClean({ figures, complaints }: TailerResult): boolean {
  const { lost, doubled, invented, out_of_order } = figures;
  return lost + doubled + invented + out_of_order + complaints.length === 0;
}

/** Whether a negative control showed what it is there for: it lost something, or it stood still because of an unrelated transaction. */
function isCaught({ figures }: TailerResult, hold_ms: number): boolean {
  return figures.lost > 0 || figures.longest_stall > hold_ms / 2;
}

export type Outcome = {
  readonly passed: boolean;
  /** One sentence a finding, or that there is none. */
  readonly findings: readonly string[];
};

/** The runs as a whole: fails by what a tailer did, and where no negative control was caught, because then the rest shows nothing. */
export function outcomeOf(runs: readonly RunResult[]): Outcome {
  const findings: string[] = [];
  const notes: string[] = [];
  for (const { seed, hold_ms, tailers } of runs) {
    const controls = tailers.filter(({ control }) => control);
    if (controls.length === 0) notes.push(`seed ${seed}: no negative control ran, so nothing shows that a loss would have been seen`);
    else if (!controls.some((result) => isCaught(result, hold_ms)))
      findings.push(`seed ${seed}: the harness is blind: no negative control was seen to lose anything or to stall`);
    for (const result of tailers) {
      if (result.control || isClean(result)) continue;
      const { lost, doubled, invented, out_of_order } = result.figures;
      const who = `seed ${seed}: ${result.tailer}`;
      if (lost + doubled + invented + out_of_order > 0)
        findings.push(`${who}: lost ${lost}, doubled ${doubled}, invented ${invented}, out of order ${out_of_order}`);
      findings.push(...result.complaints.slice(0, shownComplaints).map((complaint) => `${who}: ${complaint}`));
      const more = result.complaints.length - shownComplaints;
      if (more > 0) findings.push(`${who}: and ${more} more; the figures have all of them`);
    }
  }
  const judged = runs.flatMap(({ tailers }) => tailers).some(({ control }) => !control);
  if (!judged) notes.push('only negative controls ran');
  else if (findings.length === 0) notes.push('nothing was lost, doubled or reordered');
  return { passed: findings.length === 0, findings: [...findings, ...notes] };
}
