import { connect } from 'node:net';
import { inject } from 'vitest';
import { accessTo, type PostgresAccess, type PostgresAddress } from './server.ts';

declare module 'vitest' {
  // biome-ignore lint/style/useConsistentTypeDefinitions: a declaration of vitest is extended
  interface ProvidedContext {
    sharedPostgres: string;
  }
}

/** What the process that owns the server answers. */
export type Answer = { readonly address: PostgresAddress } | { readonly reason: string };

/**
 * The server that all test files of this run share. For `beforeAll`: the first who asks waits until it has started. A test file uses
 * databases that it creates, and never stops the server: for that, `startPostgres` gives it one of its own.
 */
export async function sharedPostgres(): Promise<PostgresAccess> {
  const socket = connect(`\0${inject('sharedPostgres')}`);
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk;
  const answer = JSON.parse(text) as Answer;
  if ('reason' in answer) throw new Error(answer.reason);
  return accessTo(answer.address);
}
