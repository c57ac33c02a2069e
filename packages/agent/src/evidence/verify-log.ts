import { type LogVerificationDocument, schemaVersion } from '@govctl/core/api';
import { digestOf, openLogCheckpoint, parseLeafBody, type TrustRoot } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import type { CheckpointOf } from './evidence-bytes.ts';
import { pageEnd, pagesOf } from './leaf-page.ts';
import { type LogVerifyProgress, type LogWalk, leafSubject, logFindings, type Tell, turn } from './log-finding.ts';
import { committedHead } from './log-state.ts';
import { SignatureChecker, type SignedLeaf, signatureThreads } from './signature-checker.ts';
import { compareTables, noStrays } from './verify-counterpart.ts';
import { accountForErasures } from './verify-disposition.ts';
import { signedPage } from './verify-log-queries.ts';
import { type StructurePage, signedLeaf, verifyStructure } from './verify-structure.ts';

export type { LogVerifyProgress };

export type VerifyLogOptions = {
  readonly database: Database;
  readonly trust: TrustRoot;
  /** Signs what was verified; left out where the key is not at hand. */
  readonly checkpointOf?: CheckpointOf;
  readonly signal?: AbortSignal;
};

/** Leaves `[first, end)` whose signatures nobody has looked at yet: of so many, and so many had no payload. */
type Stretch = { readonly first: number; end: number; signed: number; erased: number };

/**
 * Reads the whole log again and believes none of it: every stored value, every node, every root that was ever committed, who signed each
 * record, and that promotions and their records match one to one in both directions. Between two pages the event loop is free.
 *
 * Structure comes first, at the speed of one thread. Signatures cost several times as much: threads of their own check them, those that
 * are to spare while the structure is read, then all there are.
 *
 * The tree that was committed when it began is what it verifies; what comes meanwhile is left for the next time.
 */
export async function* verifyLog(options: VerifyLogOptions): AsyncGenerator<LogVerifyProgress, LogVerificationDocument> {
  const { database, trust, signal } = options;
  const started = performance.now();
  const head = await committedHead(database);
  const found = logFindings();
  const { tell, checked } = found;
  const threads = signatureThreads();
  await using signatures = new SignatureChecker(trust, Math.max(1, threads - 1), (leaf, detail) =>
    tell('signature', leafSubject(leaf), detail),
  );
  const unsigned: Stretch[] = [];

  const walk: LogWalk = { database, size: head.size, found, ...(signal === undefined ? {} : { signal }) };
  const root = yield* verifyStructure(walk, (page) => {
    if (signatures.hasRoom) signatures.submit(page.signed);
    else leave(unsigned, page);
  });
  await noStrays(database, tell);
  await accountForErasures(database, tell);
  yield* compareTables(walk);
  const structureSeconds = secondsSince(started);
  const meanwhile = signatures.done.leaves;

  signatures.widen(threads);
  for (const stretch of unsigned) {
    let left = stretch.signed + stretch.erased;
    for await (const { signed, erased } of pagesOf(stretch.first, stretch.end, (from) => readSigned(database, from, stretch.end))) {
      await signatures.room();
      signatures.submit(signed);
      left -= signed.length + erased;
      yield { leaves: signatures.done.leaves, leaves_total: head.size, phase: 'signatures' };
      await turn(signal);
    }
    // Payloads may have been erased since, by a disposition; nothing else may have moved.
    if (left !== 0) tell('signature', `leaves ${stretch.first} to ${stretch.end - 1}`, 'some were changed while they were read');
  }
  await signatures.settled();

  const checkpoint = found.count === 0 ? sealed(options, head, tell) : null;
  const { leaves, thread_seconds } = signatures.done;
  const seconds = secondsSince(started);
  return {
    schemaVersion,
    kind: 'LogVerification',
    verified: found.count === 0,
    tree_size: head.size,
    root: Buffer.from(root).toString('hex'),
    checked,
    failed: found.count,
    failures: found.failures,
    checkpoint,
    seconds: rounded(seconds),
    leaves_per_second: perSecond(checked.leaves, seconds),
    structure: { seconds: rounded(structureSeconds), leaves_per_second: perSecond(checked.leaves, structureSeconds) },
    signatures: {
      leaves,
      meanwhile,
      seconds: rounded(seconds - structureSeconds),
      threads: signatures.threads,
      thread_seconds: rounded(thread_seconds),
    },
  };
}

/** Remembers a page for later; neighbours are one stretch. */
function leave(unsigned: Stretch[], { first, end, signed, erased }: StructurePage): void {
  const last = unsigned.at(-1);
  if (last?.end !== first) {
    unsigned.push({ first, end, signed: signed.length, erased });
    return;
  }
  last.end = end;
  last.signed += signed.length;
  last.erased += erased;
}

/** The leaves of a page whose payload is what they say: others were told when the structure was read. */
async function readSigned(database: Database, first: number, size: number) {
  const end = await pageEnd(database, first, size);
  const [rows] = await database.read([signedPage({ first, end })]);
  let erased = 0;
  const signed: SignedLeaf[] = [];
  for (const row of rows) {
    const { payload } = row;
    if (payload === null) erased += 1;
    else {
      const leaf = attempt(() => parseLeafBody(row.body));
      if (leaf?.payload_digest === digestOf(payload)) signed.push(signedLeaf(row, payload, leaf.signatures));
    }
  }
  return { end, signed, erased };
}

/** The checkpoint of what was verified, opened with the pinned keys as any verifier would. */
function sealed(options: VerifyLogOptions, head: { readonly size: number; readonly root: Uint8Array }, tell: Tell): string | null {
  if (options.checkpointOf === undefined) return null;
  try {
    const note = options.checkpointOf(head);
    openLogCheckpoint(note, options.trust);
    return note;
  } catch (error) {
    tell('checkpoint', `checkpoint of ${head.size} leaves`, error instanceof Error ? error.message : String(error));
    return null;
  }
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

const secondsSince = (started: number) => (performance.now() - started) / 1000;
const rounded = (seconds: number) => Number(seconds.toFixed(3));
const perSecond = (leaves: number, seconds: number) => Math.round(leaves / Math.max(seconds, 0.001));
