import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isProblem } from '@govctl/core/api';
import {
  cosign,
  judgeAddCheckpoint,
  type KnownTree,
  maxAddCheckpointBytes,
  parseAddCheckpoint,
  parseNote,
  readCheckpoint,
  tlogSizeType,
} from '@govctl/core/evidence';
import type { WitnessState } from './state.ts';

/** One request and what became of it: what the witness tells its operator. Nothing of it is secret. */
export type WitnessEvent = {
  readonly at: string;
  readonly origin: string | null;
  readonly status: number;
  readonly old: number | null;
  readonly size: number | null;
  readonly detail: string;
};

type Answer = {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly event: Omit<WitnessEvent, 'at' | 'status'>;
};

/**
 * A witness over HTTP: C2SP tlog-witness, `POST add-checkpoint`, nothing else. Requests about the same log are judged and stored one after
 * the other, so that no answer is behind one that was given before.
 */
export function createWitnessServer(state: WitnessState, now: () => Date, told: (event: WitnessEvent) => void): Server {
  const turns = new Map<string, Promise<unknown>>();
  const inTurn = async <T>(origin: string, work: () => Promise<T>): Promise<T> => {
    const before = turns.get(origin) ?? Promise.resolve();
    const mine = before.then(work, work);
    turns.set(origin, mine);
    try {
      return await mine;
    } finally {
      if (turns.get(origin) === mine) turns.delete(origin);
    }
  };

  const answerTo = async (body: string): Promise<Answer> => {
    const request = parseAddCheckpoint(body);
    const origin = request === undefined ? undefined : originOf(request.checkpoint);
    const said = { origin: origin ?? null, old: request?.old ?? null };
    const judged = async (): Promise<Answer> => {
      const keys = origin === undefined ? [] : await state.keysOf(origin);
      const known: KnownTree | null = origin === undefined || keys.length === 0 ? null : await state.lastOf(origin, keys);
      const verdict = judgeAddCheckpoint(request, () => (keys.length === 0 ? undefined : { keys, known }));
      if (verdict.status !== 200 || request === undefined || origin === undefined) {
        const why = 'why' in verdict ? verdict.why : '';
        const event = { ...said, size: 'size' in verdict ? verdict.size : null, detail: why };
        return verdict.status === 409
          ? { status: 409, body: `${verdict.size}\n`, type: tlogSizeType, event }
          : { status: verdict.status, body: `${why}\n`, event };
      }
      const { head } = verdict;
      const line = cosign(head.text, state.name, state.signer, Math.floor(now().getTime() / 1000));
      // The log's own signatures and ours; those of others are theirs to keep. On disk before anybody hears of it.
      await state.keep(
        origin,
        `${ownNote(
          request.checkpoint,
          head.signatures.map(({ name, key_id }) => `${name}/${key_id}`),
        )}${line}`,
      );
      return { status: 200, body: line, event: { ...said, size: head.size, detail: 'cosigned' } };
    };
    return origin === undefined ? await judged() : await inTurn(origin, judged);
  };

  const server = createServer((request, response) => {
    void handle(request, response, answerTo, now, told);
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 15_000;
  server.keepAliveTimeout = 60_000;
  server.maxConnections = 256;
  return server;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  answerTo: (body: string) => Promise<Answer>,
  now: () => Date,
  told: (event: WitnessEvent) => void,
): Promise<void> {
  const send = ({ status, body, type, event }: Answer) => {
    response.writeHead(status, { 'content-type': type ?? 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) });
    response.end(body);
    told({ at: now().toISOString(), status, ...event });
  };
  const refuse = (status: number, detail: string) =>
    send({ status, body: `${detail}\n`, event: { origin: null, old: null, size: null, detail } });
  try {
    if (!(request.url ?? '').endsWith('/add-checkpoint')) return refuse(404, 'a witness has add-checkpoint only');
    if (request.method !== 'POST') return refuse(405, 'POST a checkpoint');
    const body = await bodyOf(request);
    if (body === undefined) {
      response.setHeader('connection', 'close');
      return refuse(413, `more than ${maxAddCheckpointBytes} bytes`);
    }
    send(await answerTo(body));
  } catch (error) {
    // Its own state cannot be read or written: nothing is cosigned, and the log is told nothing about it.
    refuse(500, 'the witness cannot answer now');
    const detail = isProblem(error) ? error.message : error instanceof Error ? error.message : String(error);
    told({ at: now().toISOString(), origin: null, status: 500, old: null, size: null, detail });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).byteLength;
    if (size > maxAddCheckpointBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

function originOf(checkpoint: string): string | undefined {
  try {
    return readCheckpoint(checkpoint).origin;
  } catch {
    return undefined;
  }
}

/** The note with the signature lines of these signers only. */
function ownNote(note: string, signers: readonly string[]): string {
  const { text, signatures } = parseNote(note);
  const lines = note
    .slice(text.length + 1)
    .split('\n')
    .slice(0, -1);
  const kept = lines.filter((_, at) => {
    const signature = signatures[at];
    return signature !== undefined && signers.includes(`${signature.name}/${signature.key_id}`);
  });
  return `${text}\n${kept.map((line) => `${line}\n`).join('')}`;
}
