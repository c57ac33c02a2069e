import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Stands between a client and a server, and lets the connections between them go wrong; those that are open, and new ones. */
export type FaultProxy = {
  /** Where clients connect to, on 127.0.0.1. */
  readonly port: number;
  /** Takes back every fault that was set, a trap too. What was held goes on, in order: a network that heals loses nothing. */
  pass(): Promise<void>;
  /** Half-open: everything is taken, new connections too, and nothing goes on, in both directions; not even that a side has gone. */
  blackhole(): void;
  /** Resets all connections, at both sides. New ones are as before. */
  cut(): void;
  /** Nothing listens any more, until `pass`. Open connections stay. */
  refuse(): void;
  /** Another server answers from now on: connections to the one before are lost. */
  lead(targetPort: number): void;
  /** Everything arrives so much later, in both directions, in order. */
  delay(milliseconds: number): void;
  /** A trap for one connection: lost when clients have sent so many bytes from now on. The server gets exactly these. */
  cutAfter(bytesFromClient: number): Promise<void>;
  /** A trap for one connection: lost when its client has sent this. Resolves when that has happened. */
  cutWhen(pattern: string | Buffer, moment: Moment, options?: TrapOptions): Promise<void>;
  close(): Promise<void>;
};

/**
 * When a connection is lost. `before`: the server does not get the chunk in which the pattern ends. `after`: the server has it all, and
 * may still be at it. `answered`: the server has answered, and the client never hears it; this one is sure to have been done.
 */
type Moment = 'before' | 'after' | 'answered';

type TrapOptions = {
  /** Only a connection whose first bytes have this in them, as a client of PostgreSQL says its application_name. */
  readonly greeting?: string;
  /** Nothing listens any more from the moment of the loss on, until `pass`: the client cannot come back in between. */
  readonly refuse?: boolean;
};

type Link = { readonly client: Socket; readonly server: Socket; tail: Buffer; greeting?: Buffer; answered?: () => void };

type Trap = {
  /** What the server still gets of a chunk when the trap springs; nothing when it does not. */
  judge(chunk: Buffer, link: Link): Buffer | undefined;
  readonly moment: Moment;
  readonly refuse: boolean;
  readonly sprung: () => void;
};

const longestPattern = 4096;

export async function startProxy(options: { readonly targetPort: number }): Promise<FaultProxy> {
  const sockets = new Set<Socket>();
  let { targetPort } = options;
  let latency = 0;
  let held: PromiseWithResolvers<void> | undefined;
  let trap: Trap | undefined;

  const known = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    return socket;
  };

  /** Everything of one direction goes through one queue: data, the end and a reset. */
  const relay = (from: Socket, to: Socket, deliver: (chunk: Buffer) => void) => {
    let turn = Promise.resolve();
    const later = (work: () => void) => {
      const due = Date.now() + latency;
      turn = turn.then(async () => {
        if (due > Date.now()) await sleep(due - Date.now());
        while (held !== undefined) await held.promise;
        work();
      });
    };
    from.on('data', (chunk: Buffer) => later(() => deliver(chunk)));
    from.on('end', () => later(() => to.end()));
    from.on('error', () => later(() => to.resetAndDestroy()));
  };

  /** The server's side ends in order: a reset could overtake what was forwarded. */
  const lose = ({ client, server }: Link, last: Buffer, by: Trap) => {
    if (by.refuse) door.close();
    client.resetAndDestroy();
    server.end(last, () => by.sprung());
  };

  const toServer = (link: Link, chunk: Buffer) => {
    const armed = trap;
    link.greeting ??= chunk;
    const last = armed?.judge(chunk, link);
    link.tail = Buffer.concat([link.tail, chunk]).subarray(-longestPattern);
    if (armed === undefined || last === undefined) {
      link.server.write(chunk);
      return;
    }
    trap = undefined;
    if (armed.moment !== 'answered') lose(link, last, armed);
    else {
      link.answered = () => lose(link, Buffer.alloc(0), armed);
      link.server.write(last);
    }
  };

  const accept = async (client: Socket) => {
    known(client).pause();
    // Nobody knows of a connection that comes up in a black hole.
    while (held !== undefined) await held.promise;
    if (client.destroyed) return;
    const server = known(connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true }));
    const link: Link = { client, server, tail: Buffer.alloc(0) };
    relay(client, server, (chunk) => toServer(link, chunk));
    relay(server, client, (chunk) => {
      if (link.answered !== undefined) link.answered();
      else if (!client.destroyed) client.write(chunk);
    });
    client.resume();
  };

  const listen = async (port: number): Promise<Server> => {
    const listening = createServer({ allowHalfOpen: true }, (client) => void accept(client));
    await new Promise<void>((resolve, reject) => listening.once('error', reject).listen(port, '127.0.0.1', resolve));
    return listening;
  };
  let door = await listen(0);
  const { port } = door.address() as AddressInfo;

  const set = (moment: Moment, refuse: boolean, judge: Trap['judge']) =>
    new Promise<void>((sprung) => {
      trap = { moment, refuse, judge, sprung };
    });
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port,
    async pass() {
      latency = 0;
      trap = undefined;
      held?.resolve();
      held = undefined;
      if (!door.listening) door = await listen(port);
    },
    blackhole() {
      held ??= Promise.withResolvers<void>();
    },
    cut,
    refuse: () => void door.close(),
    lead(port) {
      targetPort = port;
      cut();
    },
    delay(milliseconds) {
      latency = milliseconds;
    },
    cutAfter(bytesFromClient) {
      let left = bytesFromClient;
      return set('after', false, (chunk) => {
        const last = chunk.length >= left ? chunk.subarray(0, left) : undefined;
        left -= chunk.length;
        return last;
      });
    },
    cutWhen(pattern, moment, { greeting = '', refuse = false } = {}) {
      const wanted = Buffer.from(pattern as string);
      if (wanted.length === 0 || wanted.length > longestPattern) throw new Error(`a pattern has 1 to ${longestPattern} bytes`);
      return set(moment, refuse, (chunk, { tail, greeting: said }) => {
        if (said?.includes(greeting) !== true) return undefined;
        // It may have come in pieces, but its last byte is in this chunk.
        const recent = wanted.length > 1 ? tail.subarray(1 - wanted.length) : Buffer.alloc(0);
        if (!Buffer.concat([recent, chunk]).includes(wanted)) return undefined;
        return moment === 'before' ? Buffer.alloc(0) : chunk;
      });
    },
    async close() {
      door.close();
      held?.resolve();
      held = undefined;
      cut();
    },
  };
}
