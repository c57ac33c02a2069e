import type { Target } from '../context/target.ts';
import type { Client } from './client.ts';

/** A client whose libraries are loaded with the first call: commands that work offline never pay for them. */
export function createLazyClient(target: () => Promise<Target>, signal: AbortSignal, timeoutMs: number | undefined): Client {
  let made: Promise<Client> | undefined;
  const client = () => {
    made ??= (async () => {
      const [{ createHttpClient }, resolved] = await Promise.all([import('./http-client.ts'), target()]);
      return createHttpClient({ target: resolved, signal, timeoutMs });
    })();
    return made;
  };
  const later: Client = {
    call: async (...call) => (await client()).call(...call),
    upload: async (...call) => (await client()).upload(...call),
    download: async (...call) => (await client()).download(...call),
    async *events(...call) {
      yield* (await client()).events(...call);
    },
    fetchCapability: async (...call) => (await client()).fetchCapability(...call),
    close: async () => {
      await made?.then(
        (open) => open.close(),
        () => undefined,
      );
    },
  };
  return later;
}
