import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { PostgresAccess } from '../postgres/server.ts';
import { source } from './source.ts';
import type { Delivery, Tailer } from './tailer.ts';

/** What everybody writes first. It loses what commits late: a higher id was there before. */
const naive = { name: 'id cursor', fence: 'true' };

/**
 * What is recommended against that. It waits for every transaction of the cluster that has an xid, related or not, and still loses:
 * an id is drawn before its transaction has one. The xids of a new server need no epoch.
 */
const fenced = { name: 'id cursor, xmin fence', fence: 'xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint' };

export const controls = { naive, fenced };

const pauseMs = 10;
const batch = 500;

/** A negative control: rows above a cursor in order of their ids, every few milliseconds. */
export function cursorTailer(server: PostgresAccess, database: string, { name, fence }: typeof naive): Tailer {
  const client = new Client(server.connection(database));
  const deliveries: Delivery[] = [];
  let cursor = 0;
  let over = false;
  let running: Promise<void> = Promise.resolve();

  const poll = async () => {
    const { rows } = await client.query<{ id: string; object_key: string; born_at: string; change: string }>({
      name: 'poll',
      text: `SELECT id, object_key, born_at, change FROM ${source}.registry_changelog WHERE id > $1 AND ${fence} ORDER BY id LIMIT ${batch}`,
      values: [cursor],
    });
    const at = Date.now();
    for (const { object_key, born_at, change } of rows) if (change === 'BORN') deliveries.push({ object_key, born_at, at });
    cursor = Number(rows.at(-1)?.id ?? cursor);
  };
  const left = async () => {
    const { rows } = await client.query(`SELECT 1 FROM ${source}.registry_changelog WHERE id > $1 LIMIT 1`, [cursor]);
    return rows.length > 0;
  };
  return {
    name,
    control: true,
    async start() {
      await client.connect();
      running = (async () => {
        while (!over) {
          await poll();
          await sleep(pauseMs);
        }
      })();
      running.catch(() => {
        over = true; // whoever stops it is told why
      });
    },
    async drain() {
      while (!over && (await left())) await sleep(pauseMs);
    },
    async stop() {
      over = true;
      await running;
      await client.end();
    },
    delivered: async () => deliveries,
    complaints: async () => [],
  };
}
