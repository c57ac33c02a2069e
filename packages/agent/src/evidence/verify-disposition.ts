import type { LogCheckName } from '@govctl/core/api';
import { parseStatement, refsDigest } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { type AccountedRow, accountedDispositions, refsOfDisposition } from './disposition-queries.ts';

const page = 20;

/**
 * Each disposition is one that a signed record announced, with this very list. The records themselves are verified with all others;
 * a leaf that somebody put on a list afterwards, to hide a loss, changes the digest of the list.
 */
export async function accountForErasures(
  database: Database,
  tell: (check: LogCheckName, subject: string, detail: string) => void,
): Promise<void> {
  let after = 0;
  for (;;) {
    const [rows] = await database.read([accountedDispositions({ after, limit: page })]);
    for (const row of rows) {
      const detail = await faultOf(database, row);
      if (detail !== undefined) tell('erasure', row.disposition_id, detail);
    }
    after = rows.at(-1)?.number ?? after;
    if (rows.length < page) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function faultOf(
  database: Database,
  { disposition_id, evidence_ref, refs_digest, payload }: AccountedRow,
): Promise<string | undefined> {
  if (payload === null) return `its record ${evidence_ref} is not in the log`;
  const parsed = parseStatement(JSON.parse(Buffer.from(payload).toString('utf8')));
  if (!parsed.ok || parsed.statement.kind !== 'governance-fact') return `${evidence_ref} is no record of a disposition`;
  const { fact, subject, digest } = parsed.statement.predicate;
  if (fact !== 'evidence.dispose' || subject !== `disposition/${disposition_id}`) return `${evidence_ref} is the record of something else`;
  const [refs] = await database.read([refsOfDisposition({ disposition_id })]);
  const listed = refs.map(({ ref }) => ref ?? '');
  if (digest === refs_digest && refsDigest(listed) === digest) return undefined;
  return 'what it lists is not what its record announced';
}
