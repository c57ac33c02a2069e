import { Problem } from '@govctl/core/api';
import { gateList } from '@govctl/core/decision';
import type { CommandContext } from '../../command.ts';
import { asDocument, type CommandResult } from '../../output/result.ts';
import { actionOf, decidedHere } from '../preflight/preflight.ts';

/** One dimension of a preflight, asked about an object and an action. */
export async function checkPreflight(
  context: CommandContext,
  code: string,
  object: string | undefined,
  action: string | undefined,
): Promise<CommandResult> {
  if (object === undefined || action === undefined) {
    throw new Problem('usage', {
      detail: `${code} is asked about an object and an action`,
      hint: `govctl gate check ${code} OBJECT --action dot.mutate`,
    });
  }
  const { gates, kernel_version, input_digest, as_of, object_key, ...rest } = await decidedHere(context, {
    action: actionOf(action),
    object_key: object,
  });
  const answer = gates.find((gate) => gate.code === code);
  if (answer === undefined) {
    throw new Problem('usage', {
      detail: `a preflight is not asked ${JSON.stringify(code)}`,
      hint: `one of: ${gates.map((gate) => gate.code).join(', ')}`,
    });
  }
  return {
    document: asDocument('GateCheck', {
      ...answer,
      asks: gateList.find((gate) => gate.code === code)?.asks ?? `Does ${code} hold?`,
      subject: { action: rest.action, object_key },
      as_of,
      kernel_version,
      input_digest,
    }),
    exit: answer.outcome === 'pass' ? 'ok' : 'deny',
  };
}
