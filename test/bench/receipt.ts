import { initState, startDaemon } from './daemon.ts';
import { governDatasets, promoteOnce } from './govern.ts';
import { jobBed, jobRunner } from './job-bed.ts';
import { barOf, type Lab, type Measurement, type Section } from './measurement.ts';
import { spreadOf } from './spread.ts';

type Sizes = { readonly what: string; readonly terminal: number; readonly html: number; readonly json: number };

const kibibytes = (value: number) => `${(value / 1024).toFixed(1)} KiB`;

/** A step that leaves much of everything: signals, output, and a name of the greatest length. */
const largeStep = (at: number) => {
  // Signals of earlier steps go first: a folder holds only so many.
  const script = `rm -f "$GOVCTL_SIGNALS"/*; for n in 1 2 3 4 5 6; do echo '[1,2,3]' > "$GOVCTL_SIGNALS/signal-${at}-$n.json"; done; yes | head -c 100000`;
  return `{ name: ${`step-${at}-`.padEnd(48, 'n')}, command: [sh, -c, ${JSON.stringify(script)}] }`;
};
/** Skipped, with a takeaway and a next action: what a reader sees most of. */
const skippedStep = (at: number) => `{ name: skipped-${at}, command: ['false'], requires: { signals: never-${'x'.repeat(36)} } }`;

const typicalSteps = [
  `{ name: detect, command: [sh, -c, 'echo "[1,2]" > "$GOVCTL_SIGNALS/findings.json"'] }`,
  `{ name: infer, command: ['true'], requires: { signals: findings } }`,
  `{ name: act, command: ['true'], requires: { inputs: [invoice] } }`,
];

async function run(lab: Lab): Promise<Section> {
  const many = lab.quick ? 20 : 200;
  const state = await initState(lab);
  governDatasets(lab, state);
  const daemon = await startDaemon(lab, state);
  const sizes: Sizes[] = [];
  try {
    const bed = await jobBed(lab, state);
    const runner = await jobRunner(daemon);
    const measure = async (what: string, run_id: string) => {
      const bytes = async (...more: string[]) => {
        const { code, out } = await bed.govctl(['run', 'receipt', run_id, ...more]);
        if (code !== 0) throw new Error(`the receipt of ${run_id}: ${out}`);
        return Buffer.byteLength(out);
      };
      const one = { what, terminal: await bytes(), html: await bytes('-o', 'html'), json: await bytes('-o', 'json') };
      sizes.push(one);
      lab.tell(`${what}: terminal ${kibibytes(one.terminal)}, HTML ${kibibytes(one.html)}`);
    };
    await measure('a promotion', await promoteOnce(daemon));
    const request = { run_id: 'denied', dataset_id: 'orders-0', from_layer: 'RAW', to_layer: 'GDP', snapshot_id: 'no-such-snapshot' };
    await daemon.call('POST', '/v1/promotions', request);
    await measure('a promotion that was denied', 'denied');
    await runner.run('typical', bed.file({ workspace: 'typical', steps: typicalSteps }));
    await measure('a job of three steps, one skipped', 'typical');
    const steps = Array.from({ length: many }, (_, at) => (at % 2 === 0 ? largeStep(at) : skippedStep(at)));
    await runner.run('large', bed.file({ workspace: 'large', steps }));
    await measure(`a job of ${many} steps, half of them skipped, the others with six signals each`, 'large');
  } finally {
    await daemon.stop();
  }
  return {
    title: 'Receipts',
    text: [
      'Bytes of what `govctl run receipt` writes into a pipe, in plain text, as the page (`-o html`) and as JSON. The page holds its style sheet and its icon, and refers to nothing else. Lists and texts have limits, and what is left off is counted: a run that did more makes no larger page.',
    ],
    tables: [
      {
        title: 'Size of a receipt',
        head: ['run', 'terminal', 'HTML', 'JSON'],
        rows: sizes.map(({ what, terminal, html, json }) => [what, kibibytes(terminal), kibibytes(html), kibibytes(json)]),
      },
    ],
    bars: [
      barOf(
        'HTML receipt of the largest of these runs',
        spreadOf([Math.max(...sizes.map(({ html }) => html))]),
        { most: 1024 ** 2 },
        kibibytes,
      ),
    ],
    data: { sizes },
  };
}

export const receipt: Measurement = { name: 'receipt', run };
