import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import { helpTopics } from '../../help/topic.ts';
import { topicResult } from '../../help/topic-text.ts';
import { parseArguments } from '../../parse.ts';
import type { help } from './declaration.ts';

export const run: Run<typeof help> = async ({ io, env, program }, { topic }) => {
  const [name = ''] = topic;
  const explained = topic.length === 1 ? topicResult(name) : undefined;
  if (explained !== undefined) return explained;
  const options = { entries: program, env, columns: Math.min(io.streams.stdout.columns, 120), color: io.color.stdout };
  const parsed = await parseArguments([...topic, '--help'], options);
  if (parsed.is === 'help') return { text: parsed.text };
  throw new Problem('usage', {
    detail: `there is no command or topic ${JSON.stringify(topic.join(' '))}`,
    hint: `govctl --help, or one of: govctl help ${Object.keys(helpTopics).join(' | ')}`,
  });
};
