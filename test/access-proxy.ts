import { connect, createServer, type Socket } from 'node:net';

/** Stands between a client and govd's socket, and breaks connections that answer with a record. */
export type AccessProxy = {
  readonly socket: string;
  /** Of the next answers with a record, each is cut after so many bytes of it; 0 is before its first. */
  cut(afterBytes: readonly number[]): void;
  /** How many answers with a record were cut. */
  readonly cuts: number;
  close(): Promise<void>;
};

export async function accessProxy(socket: string, target: string): Promise<AccessProxy> {
  const open = new Set<Socket>();
  let planned: number[] = [];
  let cuts = 0;
  const server = createServer((client) => {
    const daemon = connect(target);
    for (const side of [client, daemon]) {
      open.add(side);
      side.on('error', () => undefined);
      side.on('close', () => {
        open.delete(side);
        client.destroy();
        daemon.destroy();
      });
    }
    client.pipe(daemon);
    let left = Number.POSITIVE_INFINITY;
    daemon.on('data', (chunk: Buffer) => {
      const next = planned[0];
      if (left === Number.POSITIVE_INFINITY && next !== undefined && chunk.includes('repr-digest')) {
        planned.shift();
        cuts += 1;
        left = next;
      }
      if (left > chunk.length) {
        left -= chunk.length;
        client.write(chunk);
      } else client.end(chunk.subarray(0, left), () => client.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    cut: (afterBytes) => {
      planned = [...afterBytes];
    },
    get cuts() {
      return cuts;
    },
    async close() {
      for (const side of open) side.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
