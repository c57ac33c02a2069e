import { Problem } from '@govctl/core/api';
import { adoptOffline } from '../compose-adopt.ts';
import { verifyOffline } from '../compose-verify.ts';
import type { LogVerifyProgress } from '../evidence/verify-log.ts';

/** `govd log verify`. */
export async function verifyLog(
  { stateDir: root, json }: { readonly stateDir: string; readonly json: boolean },
  now: () => string,
): Promise<void> {
  const result = await verifyOffline(root, { now, progress: tellTenths() });
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    for (const { check, subject, detail } of result.failures) process.stdout.write(`${check}: ${subject}: ${detail}\n`);
    const said = result.verified ? 'verified' : `${result.failed} findings`;
    process.stdout.write(`${said}: ${result.tree_size} leaves, root ${result.root}\n`);
  }
  if (!result.verified) process.exitCode = 1;
}

/** A line for each tenth of the way. */
function tellTenths(): (progress: LogVerifyProgress) => void {
  let told = 0;
  let phase = '';
  return ({ leaves, leaves_total, phase: now }) => {
    // Signatures are counted anew.
    if (now === 'signatures' && now !== phase) told = 0;
    phase = now;
    const tenth = leaves_total === 0 ? 0 : Math.floor((leaves / leaves_total) * 10);
    if (tenth <= told) return;
    told = tenth;
    const what = now === 'signatures' ? 'verifying the signatures' : 'verifying the log';
    process.stderr.write(`${what}: ${leaves} of ${leaves_total} leaves\n`);
  };
}

type AdoptFlags = { readonly stateDir: string; readonly reason: string };

/** `govd log adopt`. */
export async function adoptLog({ stateDir: root, reason }: AdoptFlags, version: string, now: () => string): Promise<void> {
  if (reason.trim().length < 3 || reason.length > 1024) {
    throw new Problem('usage', {
      detail: 'the reason has 3 to 1024 characters',
      hint: 'govd log adopt --state-dir D --reason "restored from last night"',
    });
  }
  const adopted = await adoptOffline({ root, version, reason }, { now, progress: tellTenths() });
  process.stdout.write(
    `adopted: ${adopted.why}\n  recorded as ${adopted.ref}\n  the log goes on at ${adopted.tree_size} leaves\nnext:\n  govd run --state-dir ${root}\n`,
  );
}
