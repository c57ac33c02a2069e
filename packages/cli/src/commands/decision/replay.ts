import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import { type DecisionBody, type Facts, factsSchema, fromFactsFile, type PackSource, replayDecision } from '@govctl/core/decision';
import { digestOf, type EvidenceExport } from '@govctl/core/evidence';
import type { CommandContext, Run } from '../../command.ts';
import { readJsonFile } from '../../io/json-file.ts';
import { type ReportedAnswer, reportRenderings } from '../../output/gate-report.ts';
import { asDocument } from '../../output/result.ts';
import { pinnedTrust } from '../evidence/pinned-trust.ts';
import { readEvidenceFile } from '../evidence/read-file.ts';
import { type Verified, verifyFile } from '../evidence/verification.ts';
import type { decisionReplay } from './declaration.ts';

type Recorded = { readonly ref: string; readonly decision: DecisionBody; readonly facts: Facts | null };

/** Opens no connection: the client is not touched. */
export const run: Run<typeof decisionReplay> = async (context, { file }, flags) => {
  const [trust, bytes] = await Promise.all([pinnedTrust(context, flags.trust), readEvidenceFile(context, file)]);
  const verified = verifyFile(bytes, trust);
  // What nobody signed proves nothing, however well it replays.
  if (verified.file === undefined)
    return { document: verified.document, exit: 'integrity', renderings: reportRenderings([reportOf('evidence', [unverified(verified)])]) };
  const exported = verified.file.kind === 'EvidenceExport' ? (verified.file as unknown as EvidenceExport) : undefined;
  const recorded = exported === undefined ? await ofOneFile(context, verified, flags.facts) : ofExport(exported, verified);
  const packs = [...(exported?.policies ?? []), ...(await Promise.all(flags.pack.map((pack) => readPack(context, pack))))];
  const items = recorded.map((one) => replayed(one, packs));
  const equal = items.every((item) => item.equal !== false);
  return {
    document: asDocument('DecisionReplay', { equal, items }),
    names: items.map(({ decision_ref }) => decision_ref),
    renderings: reportRenderings(items.map((item) => reportOf(item.run_id, [answerOf(item)]))),
    ...(equal ? {} : { exit: 'integrity' as const }),
  };
};

type ReplayItem = {
  readonly decision_ref: string;
  readonly run_id: string;
  readonly decision: string;
  readonly decided_by: string;
  readonly replayed: boolean;
  /** Absent where nothing could be decided again. */
  readonly equal?: boolean;
  readonly replayed_decision?: string;
  readonly decision_digest?: string;
  readonly differs?: readonly string[];
  readonly reason?: string;
};

function reportOf(run_id: string, answers: readonly ReportedAnswer[]) {
  return { subject: ['replay', run_id], judged_at: null, answers };
}

function unverified({ document: { checks, failed_at } }: Verified): ReportedAnswer {
  const reason = `the evidence does not verify: ${failed_at}: ${checks.at(-1)?.detail ?? ''}`;
  return {
    code: 'evidence',
    outcome: 'fail',
    reason_code: failed_at ?? 'evidence',
    reason,
    resolve: null,
    expected: 'verified',
    actual: null,
  };
}

/** What could not be decided again is open, never a pass. */
function answerOf({ decision_ref, decision, replayed, equal, replayed_decision, differs, reason }: ReplayItem): ReportedAnswer {
  const about = { code: `replay:${decision_ref}`, resolve: null, expected: decision, actual: replayed_decision ?? null };
  if (!replayed) return { ...about, outcome: 'defer', reason_code: 'not-replayed', reason: reason ?? 'it could not be decided again' };
  if (equal === true) return { ...about, outcome: 'pass', reason_code: 'equal', reason: 'decided again, it comes out the same' };
  return { ...about, outcome: 'fail', reason_code: 'differs', reason: `decided again, it differs: ${(differs ?? []).join(', ')}` };
}

function replayed({ ref, decision, facts }: Recorded, sources: readonly PackSource[]): ReplayItem {
  const about = { decision_ref: ref, run_id: decision.run_id, decision: decision.decision, decided_by: decision.decided_by };
  if (facts === null) return { ...about, replayed: false, reason: 'its facts were not kept' };
  const replay = replayDecision(decision, facts, sources);
  if (!replay.replayed) return { ...about, replayed: false, reason: replay.reason };
  const { equal, differs, decision_digest } = replay;
  return { ...about, replayed: true, equal, replayed_decision: replay.decision.decision, decision_digest, differs };
}

function ofExport(file: EvidenceExport, { statements }: Verified): Recorded[] {
  const facts = new Map(file.records.map((record) => [record.ref, record.facts]));
  return statements.flatMap(({ ref, statement }) => {
    if (statement.kind !== 'decision') return [];
    const text = facts.get(ref) ?? null;
    return [{ ref, decision: statement.predicate.decision, facts: text === null ? null : factsSchema.parse(JSON.parse(text)) }];
  });
}

async function ofOneFile({ cwd }: CommandContext, { statements }: Verified, factsFile: string | undefined): Promise<Recorded[]> {
  const [only] = statements;
  if (only?.statement.kind !== 'decision')
    throw new Problem('usage', {
      detail: `this is the evidence of a ${only?.statement.kind ?? 'record'}, not of a decision`,
      hint: 'govctl evidence ls --kind decision',
    });
  if (factsFile === undefined) {
    const { run_id } = only.statement.predicate.decision;
    throw new Problem('usage', {
      detail: 'a single evidence file does not bring the facts along',
      hint: `govctl evidence export ${run_id} -O run.json && govctl decision replay run.json; or give --facts FILE`,
    });
  }
  const facts = factsOf(await readJsonFile(cwd, '--facts', factsFile));
  return [{ ref: only.ref, decision: only.statement.predicate.decision, facts }];
}

/** As an export has them, or in the envelope of a facts file. */
function factsOf(value: unknown): Facts {
  const bare = factsSchema.safeParse(value);
  return bare.success ? bare.data : fromFactsFile(value);
}

async function readPack({ cwd }: CommandContext, file: string): Promise<PackSource> {
  const path = resolve(cwd, file);
  try {
    const source = await readFile(path, 'utf8');
    return { digest: digestOf(source), source };
  } catch (cause) {
    throw new Problem('usage', {
      detail: `${path} (--pack) cannot be read: ${(cause as Error).message}`,
      hint: 'govctl policy show NAME',
      cause,
    });
  }
}
