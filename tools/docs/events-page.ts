import { dataFields, type EventType, eventCatalogue } from '../../packages/core/src/event/index.ts';

/** docs/events.md: the envelope, and every type with what it tells. */
export function eventsPage(): string {
  const rows = Object.entries(eventCatalogue).map(
    ([type, { tells, awaits }]) =>
      `| \`${type}\` | ${tells}${awaits === undefined ? '' : ` Not emitted yet: it awaits ${awaits}.`} | ${dataFields(type as EventType)
        .map((name) => `\`${name}\``)
        .join(', ')} |\n`,
  );
  return [
    '# Events\n\nCloudEvents 1.0 in JSON, published after the commit they tell of, at least once, in order per subject. `source` and `id` together are unique for ever: keep them to recognise what comes twice. `position` is contiguous in commit order, and readers resume by it.\n\n',
    'Attributes besides those of CloudEvents: `position`, `tenantid`, `datasetid`, `layer`, `runid` (where known), `environment`, `traceparent`. `data` has `tenant_id`, `dataset_id`, `layer` and `run_id`, null where unknown, and what the table names: nothing else, and all of it but what has a question mark.\n\n',
    'Follow them with `govctl event tail -f`, or have them sent to you: [operations/events.md](operations/events.md).\n\n',
    `| type | tells | in \`data\` |\n|---|---|---|\n${rows.join('')}`,
  ].join('');
}
