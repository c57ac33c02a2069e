/** What `govctl help TOPIC` can explain, besides commands. */
export const helpTopics: Readonly<Record<string, { readonly summary: string }>> = {
  'exit-codes': { summary: 'What each exit code means' },
  environment: { summary: 'Environment variables govctl reads' },
  formatting: { summary: 'Output formats, fields, colour and streams' },
  contexts: { summary: 'How a command finds its daemon' },
  events: { summary: 'Event types, and how to follow them' },
};
