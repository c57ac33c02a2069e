import { type HandoffContext, recordPermit } from '@govctl/core/handoff';
import type { Database } from '../../db/index.ts';
import type { Journal } from '../../journal/index.ts';
import { type PermitRow, termsOf } from '../birth-admission.ts';
import type { UnrecordedPermits } from './queries.ts';
import type { PermitSeal } from './seal.ts';

export type RecorderOptions = {
  readonly database: Database;
  readonly journal: Journal;
  readonly unrecorded: UnrecordedPermits;
  readonly seal: PermitSeal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
};

const perRound = 200;
const restMs = 60_000;
const againMs = 5_000;

/**
 * Records permits that were issued while the log could not be written. Looks once after a start, which finds what a daemon left that
 * ended in between, and again after an issue that was not recorded at once.
 */
export class PermitRecorder {
  readonly #options: RecorderOptions;
  #after: string | null = '';

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** An issue was not recorded. */
  missed(): void {
    this.#after = '';
  }

  async round(): Promise<number> {
    const { database, journal, unrecorded, seal, now } = this.#options;
    const after = this.#after;
    if (after === null || unrecorded === null) return restMs;
    const [permits] = await database.read([unrecorded({ after, limit: perRound })]);
    for (const permit of permits) {
      // What was put into the table by somebody else is no issue of ours: it admits nothing, and is not recorded as one.
      if (!seal.holds(termsOf(permit), permit.seal)) continue;
      try {
        await journal.commit(recordPermit(this.#contextOf(permit, now()), termsOf(permit)));
      } catch {
        return againMs;
      }
    }
    const last = permits.at(-1)?.permit_id ?? null;
    if (this.#after === after) this.#after = permits.length < perRound ? null : last;
    return this.#after === null ? restMs : 0;
  }

  /** Who issued it stands in the sealed permit; how they were known then does not. */
  #contextOf(permit: PermitRow, at: string): HandoffContext {
    const { deployment, randomHex } = this.#options;
    return { actor: { actor_id: permit.issued_by, authenticated_by: 'sealed-permit' }, ...deployment, at, salt: randomHex(16) };
  }
}
