import { isProblem, Problem } from '@govctl/core/api';
import { consistencyProof } from '@govctl/core/evidence';
import type { Change } from '@govctl/core/journal';
import { holdLease } from '@govctl/core/lease';
import type { Database } from '../db/index.ts';
import type { CheckpointOf } from '../evidence/evidence-bytes.ts';
import { withNodes } from '../evidence/log-reader.ts';
import { committedHead } from '../evidence/log-state.ts';
import type { Journal } from '../journal/index.ts';
import { askWitness, type ConfiguredWitness } from './ask.ts';
import { witnessesOfTree } from './queries.ts';

/** What is known of a witness: remembered between rounds, and made again from the database at start. */
export type Standing = {
  readonly witness: ConfiguredWitness;
  /** The tree it cosigned last, as far as it was heard. */
  size: number;
  /** When it said so, by its own clock; null before it ever did. */
  cosigned_at: string | null;
  trouble: string | null;
  failures: number;
  /** Not asked before, in milliseconds of the process's clock. */
  not_before: number;
};

export type RoundDependencies = {
  readonly database: Database;
  readonly journal: Pick<Journal, 'commit'>;
  readonly checkpointOf: CheckpointOf;
  readonly quorum: number;
  readonly heartbeatMs: number;
  readonly timeoutMs: number;
  readonly holder: string;
  readonly now: () => string;
  readonly elapsedMs: () => number;
};

/** A witness whose clock says otherwise than ours by more is not believed: its word would show a fresh view where there is none. */
const skewMs = 300_000;
const slowestRetryMs = 30_000;

/**
 * Shows the committed head to each witness that has not seen it, or not lately, all at once, and keeps what they say. One that fails
 * costs the others nothing.
 *
 * @returns whether anybody was asked
 */
export async function askWitnesses(deps: RoundDependencies, standings: readonly Standing[], signal: AbortSignal): Promise<boolean> {
  const head = await committedHead(deps.database);
  const now = deps.now();
  const due = standings.filter((one) => isDue(one, head.size, deps, now));
  if (head.size === 0 || due.length === 0) return false;
  // One host of a deployment asks: two would race each other to the same witness.
  const lease = await deps.journal.commit({
    label: 'witness.lease',
    changes: [holdLease('witness', deps.holder, now)],
    records: [],
    events: [],
  });
  if (!lease.ok) return false;
  const checkpoint = deps.checkpointOf(head);
  const heard = await Promise.all(due.map((one) => shown(deps, one, { ...head, checkpoint }, signal)));
  const words = heard.filter((word) => word !== null);
  if (words.length === 0) return true;
  const changes: Change[] = words.flatMap((values) => [
    { write: 'witness.cosign', values },
    { write: 'witness.hear', values },
  ]);
  const [before] = await deps.database.read([witnessesOfTree({ size: head.size })]);
  const names = new Set([...before.map(({ witness }) => witness), ...words.map(({ witness }) => witness)]);
  // Only who is configured now counts.
  const seen = standings.filter(({ witness }) => names.has(witness.name)).length;
  const needed = Math.max(1, deps.quorum);
  if (seen >= needed) changes.push({ write: 'witness.quorum', values: { size: head.size, quorum: needed, witnessed_at: deps.now() } });
  const kept = await deps.journal.commit({
    label: 'witness.cosign',
    changes: [holdLease('witness', deps.holder, deps.now()), ...changes],
    records: [],
    events: [],
  });
  if (!kept.ok) return true;
  for (const { witness, size, cosigned_at } of words) {
    const one = standings.find((standing) => standing.witness.name === witness);
    if (one !== undefined) Object.assign(one, { size, cosigned_at, trouble: null, failures: 0, not_before: 0 });
  }
  return true;
}

function isDue(one: Standing, size: number, { heartbeatMs, elapsedMs }: RoundDependencies, now: string): boolean {
  if (elapsedMs() < one.not_before) return false;
  return one.size < size || one.cosigned_at === null || Date.parse(now) - Date.parse(one.cosigned_at) >= heartbeatMs;
}

type Shown = { readonly size: number; readonly root: Uint8Array; readonly checkpoint: string };
type Word = { readonly size: number; readonly witness: string; readonly line: string; readonly cosigned_at: string };

async function shown(deps: RoundDependencies, one: Standing, head: Shown, signal: AbortSignal): Promise<Word | null> {
  try {
    return await asked(deps, one, head, signal);
  } catch (error) {
    if (signal.aborted) return null;
    one.trouble = isProblem(error) || error instanceof Error ? error.message : String(error);
    one.failures += 1;
    one.not_before = deps.elapsedMs() + Math.min(slowestRetryMs, 500 * 2 ** Math.min(one.failures, 10));
    return null;
  }
}

async function asked(deps: RoundDependencies, one: Standing, head: Shown, signal: AbortSignal): Promise<Word> {
  let old = Math.min(one.size, head.size);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const from = old;
    const proof =
      from === 0 || from === head.size ? [] : await withNodes(deps.database, (readNode) => consistencyProof(from, head.size, readNode));
    const reply = await askWitness(one.witness, { old, proof, checkpoint: head.checkpoint }, { timeoutMs: deps.timeoutMs, signal });
    if ('line' in reply) {
      const cosigned_at = new Date(reply.time * 1000).toISOString();
      if (Math.abs(Date.parse(deps.now()) - reply.time * 1000) > skewMs)
        throw new Problem('integrity', { detail: `its clock says ${cosigned_at}` });
      return { size: head.size, witness: one.witness.name, line: reply.line, cosigned_at };
    }
    if (reply.size === old)
      throw new Problem('integrity', { detail: `it cosigned another tree of ${old} leaves: the log was rewritten, or it is another one` });
    if (reply.size > head.size && reply.size > (await committedHead(deps.database)).size)
      throw new Problem('integrity', { detail: `it cosigned ${reply.size} leaves, the log has ${head.size}: the log was set back` });
    // Grew meanwhile, by another host: the next round shows it.
    if (reply.size > head.size) break;
    old = reply.size;
  }
  throw new Problem('integrity', { detail: 'it does not say which tree it cosigned last' });
}
