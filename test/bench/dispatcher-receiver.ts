import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { parseWebhookSecrets, signWebhook } from '@govctl/core/webhook';
import { timed } from './spread.ts';

export type Receiver = {
  readonly url: string;
  /** How many different messages came. */
  distinct(): number;
  forget(): void;
  close(): Promise<void>;
};

/** Takes whatever is signed with the secret, and refuses everything else. */
export async function startReceiver(secret: string): Promise<Receiver> {
  const secrets = parseWebhookSecrets(secret);
  const seen = new Set<string>();
  const server = createServer((asked, answer) => {
    text(asked).then(
      (body) => {
        const id = String(asked.headers['webhook-id']);
        const signed = signWebhook({ id, body }, Number(asked.headers['webhook-timestamp']), secrets);
        const ours = signed['webhook-signature'] === asked.headers['webhook-signature'];
        if (ours) seen.add(id);
        answer.writeHead(ours ? 204 : 401).end();
      },
      () => answer.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/events`,
    distinct: () => seen.size,
    forget: () => seen.clear(),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const clients = 4;

/** Posts of the size of an event, four at a time; answers how many a second. */
export async function postBare(url: string, posts: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const body = JSON.stringify({ specversion: '1.0', data: 'x'.repeat(600) });
  const secrets = parseWebhookSecrets(`whsec_${Buffer.alloc(32, 1).toString('base64')}`);
  let left = posts;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      const headers = { 'content-length': String(Buffer.byteLength(body)), ...signWebhook({ id: `bare-${left}`, body }, 0, secrets) };
      const sent = request(url, { method: 'POST', agent, headers });
      sent.end(body);
      const [answer] = await once(sent, 'response');
      answer.resume();
      await once(answer, 'end');
    }
  };
  const seconds = await timed(() => Promise.all(Array.from({ length: clients }, client)));
  agent.destroy();
  return posts / seconds;
}
