import { Agent, request as requestOverHttp } from 'node:http';
import { pipeline } from 'node:stream';
import { type Connection, connectMs, exactly, maxConnections } from './connection.ts';

/**
 * To a unix socket, with Node's own client: what a command reads before it can ask is what it waits for, and undici takes twice as long to
 * load as Node itself to start (ADR 0013).
 */
export function connectSocket(socketPath: string): Connection {
  // How long an idle one is kept, the daemon says itself.
  const agent = new Agent({ keepAlive: true, maxSockets: maxConnections });
  // With a name for TLS, though there is none, http does not ask whether the host is an IP address: its pattern takes long to compile.
  const to = { agent, socketPath, servername: '' };
  return {
    request: ({ body, headers, ...rest }) =>
      new Promise((resolve, reject) => {
        const sent = requestOverHttp({ ...to, ...rest, headers: { host: 'govd', ...headers } });
        // What goes wrong after the answer began is told to whoever reads the answer.
        sent.on('error', reject);
        sent.once('socket', (socket) => {
          if (!socket.connecting) return;
          const timer = setTimeout(() => sent.destroy(notConnected()), connectMs);
          for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(timer));
        });
        sent.once('response', (answer) => resolve({ statusCode: answer.statusCode ?? 0, headers: answer.headers, body: answer }));
        if (body !== null && typeof body === 'object' && 'stream' in body) pipeline(exactly(body), sent, (error) => error && reject(error));
        else sent.end(body ?? undefined);
      }),
    destroy: async () => agent.destroy(),
  };
}

function notConnected(): Error {
  return Object.assign(new Error(`no connection within ${connectMs / 1000} s`), { code: 'ETIMEDOUT' });
}
