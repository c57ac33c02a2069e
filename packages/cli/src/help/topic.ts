/** What `govctl help TOPIC` can explain, besides commands. */
export const helpTopics: Readonly<Record<string, { readonly summary: string }>> = {
  'exit-codes': { summary: 'What each exit code means' },
  environment: { summary: 'Environment variables govctl reads' },
  output: { summary: 'Output formats: table, json, yaml, ndjson, name; sarif, junit, github' },
  formatting: { summary: 'Fields, colour and streams' },
  contexts: { summary: 'How a command finds its daemon' },
  events: { summary: 'Event types, and how to follow them' },
};
