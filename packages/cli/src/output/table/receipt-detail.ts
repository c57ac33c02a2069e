import { leftOffText, momentText, type Receipt, visible } from '@govctl/core/receipt';
import { type Sheet, titled } from '../sheet.ts';

/** Things worth watching: about tomorrow, and not about this run. */
export function watchLines({ watch }: Receipt, sheet: Sheet): string[] {
  const { prose } = sheet;
  return titled(
    watch === undefined ? '' : `Worth watching (${visible(watch.title)})`,
    sheet,
    (watch?.items ?? []).flatMap(({ watch: what, why, sign }) => [
      ...sheet.hanging('-', what),
      ...prose(why, 4),
      ...prose(`look for: ${sign}`, 4),
    ]),
  );
}

/** Ids, digests and times, for whoever has to look something up. */
export function technicalLines({ technical, decision, evidence, steps }: Receipt, sheet: Sheet): string[] {
  const { prose, pairs } = sheet;
  return titled('Technical details', sheet, [
    ...pairs([
      ['standing', `${technical.phase} / ${technical.status}`],
      ['trace', technical.trace_id, 'whole'],
      ['environment', technical.environment],
      ['release', technical.service_release_id],
      ['kernel', technical.kernel_version],
      ['policy set', technical.policy_rev, 'whole'],
      ['decided', decision === null ? null : momentText(decision.decided_at)],
      ['decision record', evidence?.decision_ref ?? null, 'whole'],
      ['decision digest', technical.decision_digest, 'whole'],
      ['input digest', technical.input_digest, 'whole'],
      ['manifest digest', technical.manifest_digest, 'whole'],
      ...steps.map(({ step, output_digest }) => [`output of ${step}`, output_digest, 'whole'] as const),
    ]),
    ...prose('phases'),
    ...technical.phases.flatMap(({ phase, status, at }) => sheet.hanging(at, `${phase} / ${status}`, { indent: 4 })),
    ...(technical.phases_left_off === 0 ? [] : prose(leftOffText(technical.phases_left_off, 'phases are'), 4)),
    ...prose('segments'),
    ...technical.segments.flatMap(({ n, from, policy_rev, config_digest }, index) => [
      ...prose(`${n}  from ${from}, policy set`, 4),
      sheet.whole(policy_rev ?? 'none', 7),
      ...(config_digest === technical.segments[index - 1]?.config_digest || index === 0
        ? []
        : [...prose('another configuration', 7), sheet.whole(config_digest ?? 'none', 7)]),
    ]),
    ...(technical.segments_left_off === 0 ? [] : prose(leftOffText(technical.segments_left_off, 'segments are'), 4)),
  ]);
}
