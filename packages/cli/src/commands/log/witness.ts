import type { Server } from 'node:http';
import { resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import { createWitnessServer, type WitnessEvent } from '../../witness/server.ts';
import { addLog, initWitness, lockWitness, logsOf, openWitness } from '../../witness/state.ts';
import type { logWitness } from './declaration.ts';

export const run: Run<typeof logWitness> = async (context, { action }, flags) => {
  const folder = resolve(context.cwd, flags.stateDir);
  switch (action) {
    case 'init': {
      const name = flags.name;
      if (name === undefined || /[\s+]/.test(name) || name === '')
        throw new Problem('usage', {
          detail: 'a witness has a name: no white space, no plus',
          hint: 'govctl log witness init --state-dir D --name witness.example/w1',
        });
      const vkey = await initWitness(folder, name);
      return { document: asDocument('Witness', { name, vkey, state_dir: folder, logs: [] }), names: [vkey] };
    }
    case 'add': {
      if (flags.vkey === undefined)
        throw new Problem('usage', {
          detail: 'which log: name its verifier key',
          hint: 'govctl log witness add --state-dir D --vkey "$(jq -r .log.vkey trust.json)"',
        });
      await openWitness(folder);
      await addLog(folder, flags.vkey);
      return await shown(folder);
    }
    case 'show':
      return await shown(folder);
    case 'run':
      return await served(context, folder, flags.listen);
    default:
      throw new Problem('usage', { detail: `a witness does not ${action}`, hint: 'govctl log witness init|add|show|run --state-dir D' });
  }
};

async function shown(folder: string) {
  const state = await openWitness(folder);
  const document = asDocument('Witness', { name: state.name, vkey: state.vkey, state_dir: folder, logs: await logsOf(folder, state) });
  return { document, names: [state.vkey] };
}

async function served(context: Parameters<Run<typeof logWitness>>[0], folder: string, listen: string) {
  const { io, signal, now } = context;
  const state = await openWitness(folder);
  const release = await lockWitness(folder);
  const queue = eventQueue();
  const server = createWitnessServer(state, now, queue.push);
  try {
    const where = await listening(server, listen);
    await io.note(`${state.name} cosigns at ${where}`);
  } catch (error) {
    await release();
    throw error;
  }
  const stop = () => {
    server.close();
    server.closeAllConnections();
    queue.end();
  };
  signal.addEventListener('abort', stop, { once: true });
  const stream = (async function* () {
    try {
      yield* queue.events();
    } finally {
      stop();
      await release();
    }
  })();
  return { stream, line: (item: Readonly<Record<string, unknown>>) => lineOf(item as WitnessEvent) };
}

function lineOf({ at, status, origin, old, size, detail }: WitnessEvent): string {
  const grew = old === null || size === null ? '' : ` ${old} -> ${size}`;
  return `${at} ${status} ${origin ?? '-'}${grew} ${detail}`;
}

async function listening(server: Server, listen: string): Promise<string> {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(listen) ?? [];
  const target = listen.startsWith('unix:') ? { path: listen.slice('unix:'.length) } : { host, port: Number(port) };
  if (!('path' in target) && (host === undefined || Number(port) > 65_535))
    throw new Problem('usage', { detail: `${listen} is no address`, hint: '--listen 127.0.0.1:8471, or --listen unix:/run/witness.sock' });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new Problem('usage', {
          detail: `the witness cannot listen on ${listen}: ${cause.message}`,
          hint: 'choose another --listen',
          cause,
        }),
      ),
    );
    server.listen(target, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? `http://${address.address}:${address.port}` : listen;
}

/** Events in the order they came, for one reader; a slow one loses the oldest, never the witness its memory. */
function eventQueue() {
  const waiting: Readonly<Record<string, unknown>>[] = [];
  const limit = 1000;
  let ended = false;
  let wake = () => {};
  return {
    push(event: WitnessEvent) {
      waiting.push(event);
      if (waiting.length > limit) waiting.shift();
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async *events() {
      while (!ended || waiting.length > 0) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
  };
}
