import { z } from 'zod';
import { digestSchema, layerSchema, nameSchema, timestampSchema } from '../api/common.ts';
import { pathText } from '../api/fault.ts';
import { durationMs, durationSchema } from '../policy/duration.ts';
import { type FileProblem, readYaml } from '../policy/yaml-file.ts';
import { pathRefusal } from '../promotion/snapshot-path.ts';
import { jobKinds } from './job-kind.ts';
import { requiresSchema } from './requires.ts';

/** Names that also become the names of variables: `GOVCTL_INPUT_RAW_ORDERS` of `raw-orders`. */
const shortName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,47}$/, 'a name of lower-case letters, digits, dash and underscore that starts with a letter, like raw-orders');
const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'the name of an environment variable, like SEED');
const secretName = /(secret|token|passw(or)?d|passwd|credential|api_?key|private_?key)/i;
/** What an argument must not carry: everybody on the machine can read it. */
const secretArgument = /^(--?)?[a-z0-9_-]*(secret|token|passw(or)?d|passwd|api[-_]?key|private[-_]?key)[a-z0-9_-]*=./i;
const noNul = (text: string) => !text.includes('\0');

const argument = z
  .string()
  .max(32_768)
  .refine(noNul, 'must have no NUL characters')
  .refine(
    (text) => !secretArgument.test(text),
    'looks like a secret: everybody on the machine can read arguments; let the step read a file',
  );

const environmentSchema = z
  .record(variableName, z.string().max(32_768).refine(noNul, 'must have no NUL characters'))
  .superRefine((variables, context) => {
    for (const name of Object.keys(variables)) {
      if (/^(GOVCTL|GOVD)_/.test(name)) context.addIssue({ code: 'custom', path: [name], message: 'names that start so are set by govd' });
      else if (secretName.test(name))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'no secrets here: the job file is kept as evidence; let the step read a file',
        });
    }
  });

const folder = z
  .string()
  .min(1)
  .max(1024)
  .superRefine((path, context) => {
    const refusal = pathRefusal(path);
    if (refusal !== null) context.addIssue({ code: 'custom', message: `the folder ${refusal}` });
  });

const stepSchema = z.strictObject({
  name: shortName.describe('Names the step in the manifest.'),
  command: z.array(argument).min(1, 'a step without a command').max(256).describe('The program and its arguments; no shell reads them.'),
  env: environmentSchema.default({}).describe('Variables of the step, besides the few that every step has. No secrets.'),
  cwd: folder.default('work').describe("Where it runs, inside the run's folder."),
  timeout: durationSchema.default('10m').describe('How long one attempt may take.'),
  retries: z.int().min(0).max(10).default(0).describe('How often it is tried again after a failure.'),
  backoff: durationSchema.default('1s').describe('Pause before the first retry; it doubles with each.'),
  cost_units: z.number().min(0).max(1e9).default(0).describe('What one attempt costs of the budget.'),
  requires: requiresSchema.optional().describe('What must hold, or the step is skipped.'),
});

const inputSchema = z.strictObject({
  name: shortName.describe('Names it for the steps: `$GOVCTL_INPUT_<NAME>` is its folder.'),
  dataset_id: nameSchema,
  snapshot_id: nameSchema.describe('Exactly this version; there is no "latest".'),
  snapshot_hash: digestSchema.describe('What it must contain.'),
});

const outputSchema = z.strictObject({
  name: shortName.describe('Names it for the steps: they write into `$GOVCTL_OUTPUT_<NAME>`.'),
  dataset_id: nameSchema.describe('The dataset it becomes a snapshot of.'),
  layer: layerSchema.default('RAW'),
});

export const jobFileSchema = z.strictObject({
  apiVersion: z.literal('govctl/v1'),
  kind: z.literal('Job'),
  workspace: nameSchema.describe('What it belongs to: one run at a time in a workspace, and grants name it as a dataset.'),
  job_kind: z.enum(jobKinds).default('analysis').describe('`ofs_build` and `mf_train` record that they were requested and completed.'),
  business_profile: z
    .strictObject({ industry: z.string().min(1).max(128), description: z.string().max(4096).optional() })
    .optional()
    .describe('What the business does; decides what the receipt says to watch.'),
  label_asof: timestampSchema.describe('As of when the labels count. Nothing after it may leak in.'),
  inputs: z.array(inputSchema).min(1, 'no input is pinned: a job without pinned inputs does not start').max(64),
  policy_packs: z
    .array(nameSchema)
    .min(1, 'no policy pack is named: every job is judged')
    .max(32)
    .describe('Active packs whose rules on `run_result` judge the run.'),
  observability: z.enum(['STRICT', 'DEGRADED', 'PERMISSIVE']).optional().describe('Never weaker than the deployment demands.'),
  limits: z
    .strictObject({
      steps: z.int().min(1).max(1000).default(100).describe('Steps that may be run.'),
      seconds: z
        .number()
        .positive()
        .max(7 * 86_400)
        .default(3600)
        .describe('Seconds that its steps may take together.'),
      cost_units: z.number().min(0).max(1e12).default(0).describe('Budget of its attempts.'),
    })
    .prefault({}),
  steps: z.array(stepSchema).min(1, 'a job without steps').max(1000),
  outputs: z.array(outputSchema).max(64).default([]),
});

export type JobFile = z.output<typeof jobFileSchema>;
export type JobStepFile = JobFile['steps'][number];
export type JobInput = JobFile['inputs'][number];
export type JobOutput = JobFile['outputs'][number];

export type ReadJob =
  | { readonly job: JobFile; readonly problems: readonly [] }
  | { readonly job: undefined; readonly problems: readonly FileProblem[] };

/** Reads a job file: the closed value with every default, or everything that is wrong with it, with path and line. */
export function readJob(source: string): ReadJob {
  const file = readYaml(source, jobFileSchema);
  if (file.value === undefined) return { job: undefined, problems: file.problems };
  const job = file.value;
  const problems: FileProblem[] = [];
  const report = (path: readonly PropertyKey[], message: string) => problems.push({ path: pathText(path), ...file.at(path), message });
  for (const list of ['steps', 'inputs', 'outputs'] as const) {
    const seen = new Set<string>();
    job[list].forEach(({ name }, index) => {
      const variable = variableOf(name);
      if (seen.has(variable)) report([list, index, 'name'], `the name '${name}' is there already`);
      seen.add(variable);
    });
  }
  if (new Set(job.policy_packs).size !== job.policy_packs.length) report(['policy_packs'], 'a pack is named twice');
  if (job.steps.length > job.limits.steps) report(['steps'], `${job.steps.length} steps, and limits.steps allows ${job.limits.steps}`);
  job.steps.forEach((step, index) => {
    if (durationMs(step.timeout) === 0) report(['steps', index, 'timeout'], 'a step needs time: 1s or more');
    if (step.cost_units > job.limits.cost_units)
      report(['steps', index, 'cost_units'], `one attempt costs ${step.cost_units}, and limits.cost_units allows ${job.limits.cost_units}`);
  });
  return problems.length === 0 ? { job, problems: [] } : { job: undefined, problems };
}

/** The part of a variable's name that says which input or output: `RAW_ORDERS` of `raw-orders`. */
export function variableOf(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
