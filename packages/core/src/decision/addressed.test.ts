import { expect, it } from 'vitest';
import { addressed } from './addressed.ts';

const answer = (command: string) => ({ code: 'rule:p/r', resolve: { who: 'somebody', command } });

it('a command of a pack speaks of the run it is shown for', () => {
  const about = { run_id: 'r1', dataset_id: 'orders', snapshot_id: 'snap-1' };
  expect(addressed([answer('govctl run get RUN'), answer('govctl x SNAPSHOT --dataset DATASET')], about)).toEqual([
    answer('govctl run get r1'),
    answer('govctl x snap-1 --dataset orders'),
  ]);
});

it('what is not known, no whole word, or no command stays as it is', () => {
  expect(addressed([answer('govctl x SNAPSHOT'), answer('govctl x RUNS JOB.yaml'), { code: 'c', resolve: null }], { run_id: 'r' })).toEqual(
    [answer('govctl x SNAPSHOT'), answer('govctl x RUNS JOB.yaml'), { code: 'c', resolve: null }],
  );
});

it('is not led astray by what an id holds', () => {
  expect(addressed([answer('govctl run get RUN')], { run_id: '$& RUN' })[0]?.resolve?.command).toBe('govctl run get $& RUN');
});
