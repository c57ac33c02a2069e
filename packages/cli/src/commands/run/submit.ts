import { isProblem, Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import { readText } from '../../io/input-file.ts';
import { newRunId } from '../promotion/run-id.ts';
import type { runSubmit } from './declaration.ts';
import { awaitEnd, exitOf } from './outcome.ts';

export const run: Run<typeof runSubmit> = async (context, { job }, flags) => {
  const { text: source } = await readText(context, job);
  const tenant_id = flags.tenant ?? (await context.target()).tenant;
  if (flags.dryRun) {
    for (const [name, given] of [
      ['--wait', flags.wait],
      ['--run-id', flags.runId !== undefined],
    ] as const)
      if (given) throw new Problem('usage', { detail: `${name} has no meaning in a dry run`, hint: `leave ${name} out` });
    const document = await context.client.call('run.evaluate', { body: { tenant_id, source } });
    return { document, exit: document.starts ? 'ok' : 'deny' };
  }
  const run_id = flags.runId ?? newRunId(context.now());
  await context.io.note(`run_id: ${run_id}`);
  const first = await context.client.call('run.submit', { body: { run_id, tenant_id, source } }).catch((error: unknown) => {
    throw unsure(error, run_id);
  });
  return flags.wait ? await awaitEnd(context, first, flags.timeout) : { document: first, exit: exitOf(first) };
};

/** The connection broke while the answer was awaited: it may have been accepted. */
function unsure(error: unknown, runId: string): unknown {
  if (!isProblem(error) || (error.code !== 'unreachable' && error.code !== 'timeout')) return error;
  return new Problem(error.code, {
    detail: `${error.message}; whether ${runId} was accepted is not known`,
    hint: `govctl run get ${runId}; sending it again with --run-id ${runId} is safe`,
    cause: error,
  });
}
