import { defer, evidence, type Finding, fail, type Gate, type Moment, notRequired, pass } from '../gate.ts';
import type { GateInput } from '../input.ts';

/** What went wrong before is settled before anything moves again: the version, the target, and the audits it owes. */
export const quarantineGate: Gate = {
  code: 'quarantine',
  asks: 'Is the version not quarantined, the target not on hold, and no audit overdue?',
  otherwise: 'deny for the version; defer for hold and audit',
  judge(input, now) {
    const { holds, pending_audits, snapshot } = input.facts;
    if (input.gate_set === 'rollback')
      return notRequired('a rollback answers trouble; its own target is asked by target-verified', 'rollback');
    const version = aboutVersion(input, now);
    if (version !== undefined) return version;
    const [hold] = holds;
    if (hold !== undefined) {
      return defer({
        reason_code: 'target-on-hold',
        reason: `the target is on hold: ${hold.reason}`,
        expected: 'no hold',
        actual: hold.hold_id,
        evidence: holds.map((each) => evidence(`hold:${each.hold_id}`, null, each.placed_at, now)),
        resolve: { who: 'an operator', command: `govctl hold lift ${hold.hold_id} --reason TEXT` },
      });
    }
    const overdue = pending_audits.filter((audit) => Date.parse(audit.due_at) < now.ms);
    const [audit] = overdue;
    if (audit !== undefined) {
      return defer({
        reason_code: 'audit-overdue',
        reason: `${audit.owner} owes an audit of ${audit.run_id} since ${audit.due_at}`,
        expected: 'no overdue audit',
        actual: audit.audit_id,
        evidence: overdue.map((each) => evidence(`audit:${each.audit_id}`, null, each.opened_at, now)),
        resolve: { who: audit.owner, command: `govctl audit close ${audit.audit_id} --reason TEXT` },
      });
    }
    const open = pending_audits.length === 0 ? 'nothing open' : `${pending_audits.length} audits open, none overdue`;
    return pass(
      'nothing stands against the version or the target',
      'no quarantine, hold or overdue audit',
      snapshot === null ? 'no snapshot' : open,
    );
  },
};

function aboutVersion({ facts: { snapshot } }: GateInput, now: Moment): Finding | undefined {
  if (snapshot === null) return undefined;
  const release = { who: 'an operator', command: `govctl snapshot release ${snapshot.snapshot_id} --reason TEXT` };
  const seen = (at: string | null) => [evidence(`snapshot:${snapshot.snapshot_id}`, snapshot.snapshot_hash, at, now)];
  if (snapshot.quarantined_at !== null) {
    return fail({
      reason_code: 'version-quarantined',
      reason: `the version is quarantined: ${snapshot.quarantine_reason ?? 'no reason given'}`,
      expected: 'not quarantined',
      actual: snapshot.quarantined_at,
      evidence: seen(snapshot.quarantined_at),
      resolve: release,
    });
  }
  if (snapshot.flagged_reason !== null) {
    return defer({
      reason_code: 'version-flagged',
      reason: `the version was built on one that was rolled back: ${snapshot.flagged_reason}`,
      expected: 'not flagged',
      actual: snapshot.flagged_reason,
      evidence: seen(snapshot.created_at),
      resolve: release,
    });
  }
  return undefined;
}
