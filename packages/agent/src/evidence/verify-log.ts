import { type LogCheckName, type LogVerificationDocument, schemaVersion } from '@govctl/core/api';
import { equalBytes, openLogCheckpoint, type Statement, TreeAppender, type TrustRoot } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { disposedLeaves } from './disposition-queries.ts';
import type { CheckpointOf } from './evidence-bytes.ts';
import { storedNodes } from './log-reader.ts';
import { committedHead } from './log-state.ts';
import { accountForErasures } from './verify-disposition.ts';
import { verifyLeaf } from './verify-leaf.ts';
import * as stored from './verify-log-queries.ts';

export type LogVerifyProgress = { readonly leaves: number; readonly leaves_total: number; readonly phase: string };

export type VerifyLogOptions = {
  readonly database: Database;
  readonly trust: TrustRoot;
  /** Signs what was verified; left out where the key is not at hand. */
  readonly checkpointOf?: CheckpointOf;
  readonly signal?: AbortSignal;
};

/** Leaves of one slice: a few milliseconds of work (signatures are checked on other threads), then everybody else gets a turn. */
const slice = 64;
const rowsOfSlice = 500;
const toldFailures = 100;

/**
 * Reads the whole log again and believes none of it: every stored value, every node, every root that was ever committed, and that
 * promotions and their records match one to one in both directions. Slices: between two of them the event loop is free.
 *
 * The tree that was committed when it began is what it verifies; what comes meanwhile is left for the next time.
 */
export async function* verifyLog(options: VerifyLogOptions): AsyncGenerator<LogVerifyProgress, LogVerificationDocument> {
  const { database, trust, signal } = options;
  const started = performance.now();
  const head = await committedHead(database);
  const found = findings();
  const { tell, checked } = found;
  let tree = new TreeAppender(0, []);

  let lastHead = 0;
  await using pages = readAhead((first) => (first < head.size ? verifiedPage(database, trust, first, head.size) : undefined));
  for (let first = 0; first < head.size; first += slice) {
    const { end, verified, heads } = await pages.take();
    const roots = new Map(heads.map(({ size, root }) => [size, root]));
    // A new one each slice: it remembers the nodes of its own leaves, and a long log has too many.
    tree = new TreeAppender(tree.size, tree.frontier);
    const promotions: Promotion[] = [];
    const wanted: { level: number; index: number; hash: Uint8Array }[] = [];
    const [disposed] = await database.read([disposedLeaves({ first, end })]);
    const accounted = new Set(disposed.map(({ leaf_index }) => leaf_index));
    const byIndex = new Map(verified.map((one) => [one.row.leaf_index, one]));
    let whole = true;
    for (let index = first; index < end; index += 1) {
      const one = byIndex.get(index);
      if (one === undefined) {
        tell('index', `leaf ${index}`, 'there is no record at this index');
        whole = false;
        break;
      }
      const { row, failures, statement } = one;
      const subject = `leaf ${index} (${row.ref})`;
      for (const [check, detail] of failures) tell(check, subject, detail);
      if (row.payload === null) {
        checked.erased += 1;
        if (!accounted.has(row.leaf_index)) tell('erasure', subject, 'its payload is gone, and no disposition lists it');
      }
      if (statement?.kind === 'promotion') promotions.push({ ref: row.ref, subject, predicate: statement.predicate });
      wanted.push(...tree.append(row.leaf_hash));
      checked.leaves += 1;
      const root = roots.get(index + 1);
      if (root === undefined) continue;
      checked.heads += 1;
      lastHead = index + 1;
      if (!equalBytes(root, tree.root())) tell('root', `head of ${index + 1} leaves`, 'the stored root is not that of the stored leaves');
    }
    await compareNodes(database, wanted, tell);
    checked.nodes += wanted.length;
    await comparePromotions(database, promotions, tell);
    checked.promotions += promotions.length;
    yield { leaves: checked.leaves, leaves_total: head.size, phase: 'leaves' };
    await turn(signal);
    if (!whole) break;
  }
  if (checked.leaves === head.size && lastHead !== head.size) tell('head', `head of ${head.size} leaves`, 'it was not recomputed');
  await noStrays(database, tell);
  await accountForErasures(database, tell);
  yield* bothWays(database, head.size, found, signal);

  const recomputed = Buffer.from(tree.root()).toString('hex');
  const checkpoint = found.count === 0 ? sealed(options, head, tell) : null;
  const seconds = (performance.now() - started) / 1000;
  return {
    schemaVersion,
    kind: 'LogVerification',
    verified: found.count === 0,
    tree_size: head.size,
    root: recomputed,
    checked,
    failed: found.count,
    failures: found.failures,
    checkpoint,
    seconds: Number(seconds.toFixed(3)),
    leaves_per_second: Math.round(checked.leaves / Math.max(seconds, 0.001)),
  };
}

type Page = {
  readonly end: number;
  readonly verified: readonly ({ readonly row: stored.LeafRow } & Awaited<ReturnType<typeof verifyLeaf>>)[];
  readonly heads: readonly { readonly size: number; readonly root: Uint8Array }[];
};

async function verifiedPage(database: Database, trust: TrustRoot, first: number, size: number): Promise<Page> {
  const end = Math.min(size, first + slice);
  const [rows, heads] = await database.read([stored.leafPage({ first, end }), stored.headPage({ after: first, upto: end })]);
  return { end, heads, verified: await Promise.all(rows.map(async (row) => ({ row, ...(await verifyLeaf(row, trust)) }))) };
}

/** Pages under way while one is looked at: with one alone, whichever of the two sides is done first waits for the other, page by page. */
const pagesAhead = 4;

/** The next pages are under way while one is looked at: their signatures are checked on other threads meanwhile. */
function readAhead(load: (first: number) => Promise<Page> | undefined) {
  const ahead: Promise<Page>[] = [];
  let next = 0;
  return {
    /** The next page, in order. */
    async take(): Promise<Page> {
      while (ahead.length < pagesAhead) {
        const page = load(next);
        if (page === undefined) break;
        // It fails when it is taken, not before.
        page.catch(() => {});
        ahead.push(page);
        next += slice;
      }
      const page = ahead.shift();
      if (page === undefined) throw new RangeError(`no page at ${next}`);
      return await page;
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(ahead);
    },
  };
}

type Promotion = {
  readonly ref: string;
  readonly subject: string;
  readonly predicate: Extract<Statement, { kind: 'promotion' }>['predicate'];
};
type Tell = (check: LogCheckName, subject: string, detail: string) => void;

function findings() {
  const failures: LogVerificationDocument['failures'] = [];
  const found = {
    count: 0,
    failures,
    checked: { leaves: 0, erased: 0, nodes: 0, heads: 0, promotions: 0, pointers: 0, runs: 0 },
    tell: (check: LogCheckName, subject: string, detail: string) => {
      found.count += 1;
      if (failures.length < toldFailures) failures.push({ check, subject, detail });
    },
  };
  return found;
}

/** The stored nodes that these leaves completed must be the recomputed ones. */
async function compareNodes(
  database: Database,
  wanted: readonly { readonly level: number; readonly index: number; readonly hash: Uint8Array }[],
  tell: Tell,
): Promise<void> {
  if (wanted.length === 0) return;
  const [rows] = await database.read([storedNodes({ keys: JSON.stringify(wanted.map(({ level, index }) => [level, index])) })]);
  const byPlace = new Map(rows.map((row) => [`${row.level}/${row.node_index}`, row.hash]));
  for (const { level, index, hash } of wanted) {
    const node = byPlace.get(`${level}/${index}`);
    if (node === undefined) tell('node', `node ${level}/${index}`, 'it is not stored');
    else if (!equalBytes(node, hash)) tell('node', `node ${level}/${index}`, 'the stored hash is not that of the leaves below it');
  }
}

/** Each promotion record has its pointer move, and both say the same. */
async function comparePromotions(database: Database, promotions: readonly Promotion[], tell: Tell): Promise<void> {
  if (promotions.length === 0) return;
  const keys = promotions.map(({ predicate }, place) => [
    place,
    predicate.tenant_id,
    predicate.dataset_id,
    predicate.to_layer,
    predicate.generation,
  ]);
  const [rows] = await database.read([stored.pointersOfLeaves({ keys: JSON.stringify(keys) })]);
  const pointers = new Map(rows.map((row) => [row.place, row]));
  promotions.forEach(({ ref, subject, predicate }, place) => {
    const pointer = pointers.get(place);
    if (pointer === undefined || pointer.run_id !== predicate.run_id) {
      tell('promotion', subject, `no pointer move of run ${predicate.run_id ?? '?'} to generation ${predicate.generation} exists`);
      return;
    }
    if (pointer.evidence_ref !== ref) tell('promotion', subject, `run ${pointer.run_id} names another record as its promotion`);
    const columns = ['snapshot_id', 'snapshot_hash', 'decision_ref', 'fence'] as const;
    const differs = columns.filter((column) => pointer[column] !== predicate[column]);
    if (differs.length > 0) tell('promotion', subject, `the pointer says otherwise than the record: ${differs.join(', ')}`);
  });
}

const levels = JSON.stringify(Array.from({ length: 52 }, (_, at) => at + 1));

async function noStrays(database: Database, tell: Tell): Promise<void> {
  const [[stray], nodes] = await database.read([stored.strayRows({}), stored.strayNodes({ levels })]);
  if (stray !== undefined && stray.records + stray.payloads + stray.facts > 0)
    tell('index', 'rows beside the log', `${stray.records} records, ${stray.payloads} payloads, ${stray.facts} facts belong to no leaf`);
  for (const { level, node_index } of nodes) tell('node', `node ${level}/${node_index}`, 'the tree has no such node');
}

/** From the tables to the log: each pointer move and each run has the records it names. */
async function* bothWays(
  database: Database,
  size: number,
  { tell, checked }: ReturnType<typeof findings>,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogVerifyProgress> {
  let place: stored.PointerPlace = { tenant_id: '', dataset_id: '', layer: '', generation: 0 };
  for (;;) {
    const { tenant_id, dataset_id, layer, generation } = place;
    const [rows] = await database.read([stored.pointerPage({ tenant_id, dataset_id, layer, generation, limit: rowsOfSlice })]);
    for (const row of rows) {
      const subject = `${row.tenant_id}/${row.dataset_id}/${row.layer}@${row.generation}`;
      if (row.promotion === null) tell('pointer', subject, `run ${row.run_id} has no promotion record in the log`);
      if (row.decision === null) tell('pointer', subject, 'its decision is not in the log');
    }
    checked.pointers += rows.length;
    yield { leaves: checked.leaves, leaves_total: size, phase: 'pointers' };
    await turn(signal);
    place = rows.at(-1) ?? place;
    if (rows.length < rowsOfSlice) break;
  }
  let after = '';
  for (;;) {
    const [rows] = await database.read([stored.runPage({ after, limit: rowsOfSlice })]);
    for (const { run_id, lacks } of rows)
      if (lacks !== null) tell('run', `run ${run_id}`, `it names the record ${lacks}, which is not in the log`);
    checked.runs += rows.length;
    yield { leaves: checked.leaves, leaves_total: size, phase: 'runs' };
    await turn(signal);
    after = rows.at(-1)?.run_id ?? after;
    if (rows.length < rowsOfSlice) break;
  }
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

async function turn(signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise((resolve) => setImmediate(resolve));
}
