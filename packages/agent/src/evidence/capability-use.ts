import { Problem } from '@govctl/core/api';
import type { ByteRange } from '@govctl/core/evidence';
import type { Change } from '@govctl/core/journal';
import type { AccessDependencies } from './access.ts';
import { type Asked, refuse, revoked } from './capability-gate.ts';
import { type CapabilityRow, capabilityByJti } from './capability-queries.ts';

/** Continuations of one download: enough for a bad line, too few to hand a record around. */
export const resumedAtMost = 16;
/** How often a decision is made anew because the row moved in between. */
const attempts = 3;

/** Uses the capability up, or continues what its use began. Two who come at once both read that it is unused; one of them writes. */
export async function useCapability(
  deps: AccessDependencies,
  asked: Asked,
  part: ByteRange | undefined,
  etag: string,
): Promise<'served' | 'resumed'> {
  const { claims, now, headers } = asked;
  const again = `govctl evidence get ${claims.ref}`;
  let row: CapabilityRow | undefined = asked.row;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (row === undefined || row.revoked_at !== null) return await refuse(deps, asked, 'revoked', revoked(claims));
    const begun = row.used_at !== null;
    if (begun && (part === undefined || headers['if-range'] !== etag)) {
      const detail = 'the capability was used before; each works once';
      return await refuse(deps, asked, 'replayed', new Problem('gone', { detail, hint: again }));
    }
    if (begun && Number(row.resumed) >= resumedAtMost) {
      const detail = `the download was continued ${resumedAtMost} times, as often as one may be`;
      return await refuse(deps, asked, 'resumed-too-often', new Problem('gone', { detail, hint: again }));
    }
    const change: Change = begun
      ? { write: 'capability.resume', values: { jti: claims.jti, now, most: resumedAtMost } }
      : { write: 'capability.use', values: { jti: claims.jti, used_at: now } };
    const written = await deps.journal.commit({ label: 'evidence.fetch', changes: [change], records: [], events: [] });
    if (written.ok) return begun ? 'resumed' : 'served';
    // Somebody was quicker: what is there now says what this request is.
    [[row]] = await deps.database.read([capabilityByJti({ jti: claims.jti })]);
  }
  throw new Problem('conflict', { detail: 'the capability was used by others at the same time', hint: 'try again' });
}
