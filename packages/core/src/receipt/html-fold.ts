import { code, facts, moment } from './html-section.ts';
import { type Html, html } from './html-tag.ts';
import type { Receipt } from './receipt.ts';
import { leftOffText } from './words.ts';

/** Things worth watching: folded, for they are about tomorrow and not about this run. */
export function watchFold({ watch }: Receipt): Html | null {
  if (watch === undefined) return null;
  return html`<details class="fold"><summary>Worth watching <span class="soft">(${watch.items.length}, ${watch.title})</span></summary>
<div class="body"><ul class="rows quiet bare">${watch.items.map(
    ({ watch: what, why, sign }) =>
      html`<li><span aria-hidden="true">&bull;</span><div><h3>${what}</h3><p>${why}</p><p class="soft">Look for: ${sign}</p></div></li>\n`,
  )}</ul></div></details>`;
}

/** Ids, digests and times, for whoever has to look something up. */
export function technicalFold({ technical, decision, evidence, steps }: Receipt): Html {
  const { phases, segments } = technical;
  return html`<details class="fold"><summary>Technical details</summary>
<div class="body">
${facts([
  ['Standing', `${technical.phase} / ${technical.status}`],
  ['Trace', code(technical.trace_id)],
  ['Environment', technical.environment],
  ['Release', technical.service_release_id],
  ['Kernel', technical.kernel_version],
  ['Policy set', code(technical.policy_rev)],
  ['Decided', decision === null ? null : moment(decision.decided_at)],
  ['Decision record', code(evidence?.decision_ref ?? null)],
  ['Decision digest', code(technical.decision_digest)],
  ['Input digest', code(technical.input_digest)],
  ['Manifest digest', code(technical.manifest_digest)],
  ...steps.flatMap((step) => (step.output_digest === null ? [] : [[`Output of ${step.step}`, code(step.output_digest)] as const])),
])}
${log(
  'Phases',
  phases.map(
    ({ phase, status, at }) => html`<span class="code">${phase} / ${status}</span> <time class="soft" datetime="${at}">${at}</time>`,
  ),
  technical.phases_left_off,
)}
${log(
  'Segments',
  segments.map(
    ({ n, from, policy_rev, config_digest }, index) =>
      html`<span>No. ${n}, policy set ${code(policy_rev) ?? 'none'}${
        index === 0 || config_digest === segments[index - 1]?.config_digest ? '' : html`, configuration ${code(config_digest) ?? 'none'}`
      }</span> <time class="soft" datetime="${from}">from ${from}</time>`,
  ),
  technical.segments_left_off,
)}
</div></details>`;
}

function log(title: string, lines: readonly Html[], left: number): Html | null {
  if (lines.length === 0) return null;
  return html`<h3>${title}</h3><ol class="log">${lines.map((line) => html`<li>${line}</li>\n`)}</ol>${
    left === 0 ? null : html`<p class="soft small">${leftOffText(left, 'are')}</p>`
  }`;
}
