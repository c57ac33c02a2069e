import type { GateAnswer } from './decision.ts';

/** What a run is about, as far as it is known. */
export type Addressee = { readonly run_id?: string; readonly dataset_id?: string; readonly snapshot_id?: string };

const placeholders = { RUN: 'run_id', DATASET: 'dataset_id', SNAPSHOT: 'snapshot_id' } as const satisfies Record<string, keyof Addressee>;

/**
 * Answers as they are shown: a pack is written for every run, so its commands say RUN, DATASET or SNAPSHOT; whoever reads the answer gets
 * a command that can be copied. What was decided and signed keeps the pack's own words.
 *
 * @example addressed([{ resolve: { who: 'x', command: 'govctl run get RUN' } }], { run_id: 'r1' })  // govctl run get r1
 */
export function addressed<A extends Pick<GateAnswer, 'resolve'>>(answers: readonly A[], about: Addressee): A[] {
  const filled = (command: string) =>
    command.replace(/\b(?:RUN|DATASET|SNAPSHOT)\b/g, (word) => about[placeholders[word as keyof typeof placeholders]] ?? word);
  return answers.map((answer) =>
    answer.resolve === null ? answer : { ...answer, resolve: { ...answer.resolve, command: filled(answer.resolve.command) } },
  );
}
