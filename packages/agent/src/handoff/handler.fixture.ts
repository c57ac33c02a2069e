import { generateKeyPairSync } from 'node:crypto';
import { handoffStatusDocument } from '@govctl/core/api';
import { ed25519Signer, parseStatement } from '@govctl/core/evidence';
import type { Actor } from '@govctl/core/identity';
import { openSqlite, SqliteReader } from '../db/index.ts';
import { SqliteJournal } from '../journal/index.ts';
import type { SqliteBirths } from './births.ts';
import { attachBirths } from './births-attachment.ts';
import { allHandoffHandlers } from './handlers.ts';
import { HandoffBench } from './handoff.fixture.ts';
import { sqliteHandoffQueries } from './queries.sqlite.ts';

const grants = [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }];
export const person: Actor = { actor_id: 'HUMAN::ada', source_type: 'HUMAN', authenticated_by: 'api-key:test', grants };
export const service: Actor = { actor_id: 'SYSTEM::etl', source_type: 'SYSTEM', authenticated_by: 'api-key:test', grants };
/** Handlers over real databases and the real journal. */
export class HandlerBench extends HandoffBench {
  blocker: string | null = null;
  /** Null: as where the tables belong to other software. */
  pruner: SqliteBirths | null;
  readonly handlers;
  readonly journal;
  readonly #reader: SqliteReader;
  #serial = 0;

  constructor() {
    super();
    this.pruner = this.births;
    const reader = openSqlite(this.path('govd.db'), 'read');
    attachBirths(reader, this.path('births.db'));
    this.journal = new SqliteJournal({
      handle: openSqlite(this.path('govd.db')),
      signer: ed25519Signer(generateKeyPairSync('ed25519').privateKey),
      seal: { refusal: () => null, seal: () => 'checkpoint' },
      now: this.clock.now,
    });
    this.#reader = new SqliteReader(reader);
    this.handlers = this.handlersOf();
  }

  handlersOf() {
    return allHandoffHandlers({
      database: this.#reader,
      queries: sqliteHandoffQueries,
      journal: this.journal,
      births: this.births,
      pruner: this.pruner,
      wake: () => {},
      blocker: () => this.blocker,
      deployment: { environment: 'local_parity', service_release_id: 'test' },
      randomHex: (bytes) => {
        this.#serial += 1;
        return String(this.#serial).padStart(bytes * 2, '0');
      },
    });
  }

  context(actor: Actor = person) {
    return {
      actor,
      request_id: 'r',
      now: this.clock.now(),
      traceparent: undefined,
      headers: {},
      raw: null as never,
      signal: new AbortController().signal,
      params: undefined,
      query: undefined,
      body: undefined,
    };
  }

  async status() {
    return handoffStatusDocument.parse(await this.handlers['handoff.status'](this.context()));
  }

  facts(): { fact: string; subject: string }[] {
    return this.rows<{ payload: Uint8Array }>('SELECT payload FROM record_payload ORDER BY leaf_index').map(({ payload }) => {
      const parsed = parseStatement(JSON.parse(Buffer.from(payload).toString('utf8')));
      if (!parsed.ok || parsed.statement.kind !== 'governance-fact') throw new Error('not a governance fact');
      return { fact: parsed.statement.predicate.fact, subject: parsed.statement.predicate.subject };
    });
  }
}
