import type { Run } from '../../command.ts';
import type { runLogs } from './declaration.ts';

export const run: Run<typeof runLogs> = async ({ client }, { run: run_id }, { step, attempt }) => {
  const query = { ...(step === undefined ? {} : { step }), ...(attempt === undefined ? {} : { attempt }) };
  const { body } = await client.download('run.logs', { params: { run_id }, query });
  return { bytes: body };
};
