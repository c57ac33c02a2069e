import { exitCodes } from '@govctl/core/api';
import { eventCatalogue } from '@govctl/core/event';
import { asDocument, type CommandResult } from '../output/result.ts';
import { environmentVariables } from './environment.ts';
import { formatLines } from './output-format.ts';

/** Fields, streams and colour. */
export const formattingText = `Standard output is what was asked for; everything else is standard error.

  --field decision.run_id    one field, raw: strings without quotes
  --field gates[].code       a line for each element
  --quiet                    no notes and no progress

JSON is stable: fields are only ever added, keep their order, and the same state gives the same bytes. Times are RFC 3339 in UTC.
A verdict (deny, defer, findings) is a result: its object is on standard output, and the exit code says which it is.
After an error with -o json standard output is empty, and standard error holds one problem object (RFC 9457).

Colour is decoration, never content. --no-color, NO_COLOR, FORCE_COLOR and TERM=dumb are heard in this order; then it depends on the terminal.
`;

/** The output formats. */
export function outputText(): string {
  return [
    'How a result is written: -o FORMAT, or GOVCTL_OUTPUT.',
    '',
    ...formatLines(),
    '',
    'sarif, junit and github are of commands that show answers of gates; every other one refuses them before it does anything.',
    'Each kind of JSON document has a schema: docs/schema/<kind>.json.',
    '',
  ].join('\n');
}

/** How a daemon is found. */
export const contextsText = `A command talks to one daemon. Which one is decided by the first of these that is there:

  1. --socket PATH, then --context NAME
  2. GOVCTL_SOCKET, then GOVCTL_CONTEXT
  3. current_context of the configuration
  4. /run/govd/govd.sock

The configuration is --config FILE, else GOVCTL_CONFIG, else ~/.config/govctl/config.yaml. govd init writes one that reaches the new daemon:

  export GOVCTL_CONFIG=STATE/govctl.yaml

A context also names the API key file and the pinned trust root that evidence is verified with.

  govctl context show    which daemon, and what decided it
  govctl context add     a new one
  govctl doctor          whether it works
`;

/** A topic as a result; undefined where there is no such topic. */
export function topicResult(topic: string): CommandResult | undefined {
  switch (topic) {
    case 'exit-codes':
      return {
        document: asDocument('ExitCodeList', { items: Object.entries(exitCodes).map(([name, { code, when }]) => ({ code, name, when })) }),
      };
    case 'environment':
      return { document: asDocument('EnvironmentList', { items: environmentVariables() }) };
    case 'output':
      return { text: outputText() };
    case 'formatting':
      return { text: formattingText };
    case 'contexts':
      return { text: contextsText };
    case 'events':
      return {
        text: `Events are CloudEvents 1.0, published after the commit they tell of, in commit order. Each has a position to resume from.\n\n  govctl event tail -f                         as they come\n  govctl event tail --from 1 --type "store.*"  those of these types, from the first\n\nTypes:\n${Object.entries(
          eventCatalogue,
        )
          .map(([type, { tells }]) => `  ${type.padEnd(29)} ${tells}\n`)
          .join('')}`,
      };
    default:
      return undefined;
  }
}
