import { type Html, html } from './html-tag.ts';
import { mark } from './mark.ts';
import type { Receipt, ReceiptGate, ReceiptStep, Tone } from './receipt.ts';
import { furtherHelp, furtherReason, ruleQuestion, type StepNote, stepNotes } from './said-once.ts';
import {
  decisionText,
  kindWords,
  leftOffText,
  momentText,
  placeText,
  reportText,
  rolledBackTexts,
  spanText,
  standingWords,
  stepWords,
} from './words.ts';

/** A moment, for people and for programs. */
export function moment(timestamp: string): Html {
  return html`<time datetime="${timestamp}">${momentText(timestamp)}</time>`;
}

/** Names and what they are; what is null is not shown. */
export function facts(pairs: readonly (readonly [name: string, value: Html | string | null])[], inner = false): Html {
  const shown = pairs.filter(([, value]) => value !== null);
  return html`<dl class="facts${inner ? ' inner' : ''}">${shown.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}

export function code(text: string | null): Html | null {
  return text === null ? null : html`<span class="code">${text}</span>`;
}

function commandBlock(command: string | null): Html | null {
  return command === null ? null : html`<pre><code>${command}</code></pre>`;
}

export function verdictHeader({ verdict, run_kind, dataset_id, from_layer, to_layer }: Receipt): Html {
  const layer = (name: string | null) => (name === null ? null : html`<span class="layer">${name}</span>`);
  const way =
    run_kind === 'promotion'
      ? html`${layer(from_layer)} <span class="arrow" role="img" aria-label="to">&rarr;</span> ${layer(to_layer)}`
      : layer(to_layer);
  return html`<header class="verdict">
<p class="eyebrow">Receipt &middot; ${kindWords[run_kind]}</p>
<div class="headline">${mark(verdict.tone)}<h1>${verdict.word}</h1></div>
<p class="subject">${dataset_id} ${way}</p>
<p class="sentence">${verdict.sentence}</p>
</header>`;
}

export function nextSection({ next, remote_assist }: Receipt): Html {
  return html`<section class="next" aria-labelledby="next">
<h2 id="next">Next step</h2>
<p class="lead">${next.what}${next.who === null ? null : html` <span class="soft">For ${next.who}.</span>`}</p>
${commandBlock(next.command)}${
  remote_assist === null
    ? null
    : html`<p><a class="button" href="${remote_assist.url}" rel="noreferrer noopener">Get help with this data</a></p>
<p class="soft small">Opens ${new URL(remote_assist.url).host}, until ${moment(remote_assist.expires_at)}. The link holds a reference and no data.</p>`
}
</section>`;
}

/** What went wrong and was noticed, and what a rollback still owes. */
export function troubleSection(receipt: Receipt): Html | null {
  const { incident, lesson, pending_audit } = receipt;
  const helps = furtherHelp(receipt);
  if (incident === null && lesson === null && pending_audit === null) return null;
  const audit =
    pending_audit === null
      ? null
      : html`${code(pending_audit.audit_id)}: ${pending_audit.closed ? 'closed' : html`owed by ${pending_audit.owner} until ${moment(pending_audit.due_at)}`}`;
  return html`<section aria-labelledby="trouble">
<h2 id="trouble">${incident === null && lesson === null ? 'What it leaves behind' : 'What went wrong'}</h2>
${facts([
  ['Cause', lesson?.cause ?? null],
  ['What helps', helps?.startsWith('govctl ') === true ? code(helps) : helps],
  ['Incident', incident === null ? null : html`${code(incident.incident_id)}, ${incident.severity}, ${incident.state}`],
  ['Error', code(incident?.error_code ?? null)],
  ['Pending audit', audit],
])}
</section>`;
}

const stepTones: Readonly<Record<ReceiptStep['status'], Tone>> = { success: 'good', skipped: 'plain', failed: 'bad' };

export function stepSection(receipt: Receipt): Html | null {
  const { steps, steps_left_off } = receipt;
  const notes = stepNotes(receipt);
  if (steps.length === 0) return null;
  return html`<section aria-labelledby="steps">
<h2 id="steps">Steps</h2>
<ol class="rows">${steps.map((step, index) => stepRow(step, notes[index]))}</ol>${leftOff(steps_left_off, 'steps are')}
</section>`;
}

function stepRow(step: ReceiptStep, said: StepNote | undefined): Html {
  const { started, ended, exit_code, status } = step;
  const { takeaway, next_action } = said ?? { takeaway: null, next_action: null };
  const took = started === null || ended === null ? null : spanText(started, ended);
  const how = [
    stepWords[status],
    status === 'failed' && exit_code !== null ? `exit ${exit_code}` : null,
    status === 'skipped' ? null : took,
  ];
  const note =
    takeaway === null && next_action === null
      ? null
      : html`<div class="note">${takeaway === null ? null : html`<p>${takeaway}</p>`}${next_action === null ? null : html`<p><strong>Next:</strong> ${next_action}</p>`}</div>`;
  const signals = step.signals.map(({ name, count }) => html`<li>${name}: ${count}</li>`);
  return html`<li>${mark(stepTones[status])}<div>
<div class="row-head"><h3>${step.step}</h3><span class="word">${how.filter((word) => word !== null).join(', ')}</span></div>
${note}${signals.length === 0 ? null : html`<ul class="tags">${signals}</ul>`}
</div></li>\n`;
}

const gateTones: Readonly<Record<ReceiptGate['standing'], Tone>> = {
  blocks: 'bad',
  waits: 'wait',
  kept_out: 'wait',
  passed: 'good',
  not_asked: 'plain',
};

export function decisionSection({ decision }: Receipt): Html {
  if (decision === null)
    return html`<section aria-labelledby="decision"><h2 id="decision">Decision</h2><p class="lead">Nothing was decided.</p></section>`;
  const { gates, gates_left_off, approvals, approvals_left_off, exceptions } = decision;
  const open = gates.filter(({ standing }) => standing === 'blocks' || standing === 'waits' || standing === 'kept_out');
  const rest = gates.filter((gate) => !open.includes(gate));
  return html`<section aria-labelledby="decision">
<h2 id="decision">Decision</h2>
<p class="lead">${decisionText(decision)}${exceptions === null ? null : ` In spite of what did not hold: ${exceptions}.`}</p>
${open.length === 0 ? null : html`<ul class="rows">${open.map(gateRow)}</ul>`}${
  approvals.length === 0
    ? null
    : html`<ul class="rows quiet">${approvals.map(
        ({ verdict, actor_id, role, reason, given_at }) =>
          html`<li>${mark(verdict === 'approve' ? 'good' : 'bad')}<div>${verdict === 'approve' ? 'Approved' : 'Rejected'} by ${actor_id} as ${role}: ${reason} <span class="soft">${moment(given_at)}</span></div></li>\n`,
      )}</ul>`
}${leftOff(approvals_left_off, 'approvals are')}${
  rest.length === 0
    ? null
    : html`<details><summary>${rest.length} ${rest.length === 1 ? 'gate' : 'gates'} that did not stand in the way</summary>
<ul class="rows quiet">${rest.map(quietRow)}</ul></details>`
}${leftOff(gates_left_off, 'gates are')}
</section>`;
}

function gateRow({ code: name, standing, asks, reason, expected, actual, resolve }: ReceiptGate): Html {
  return html`<li>${mark(gateTones[standing])}<div>
<div class="row-head"><h3 class="code">${name}</h3><span class="word">${standingWords[standing]}</span></div>
<p>${reason}</p>
${asks === ruleQuestion ? null : html`<p class="soft small asks">${asks}</p>\n`}${facts(
  [
    ['Expected', expected],
    ['Found', actual ?? (expected === null ? null : 'nothing')],
  ],
  true,
)}${resolve === null ? null : html`<p class="small soft resolve">To resolve it, ${resolve.who}:</p>${commandBlock(resolve.command)}`}
</div></li>\n`;
}

function quietRow({ code: name, standing, reason }: ReceiptGate): Html {
  return html`<li>${mark(gateTones[standing])}<div><div class="row-head"><span class="code">${name}</span><span class="word">${standingWords[standing]}</span></div><p class="soft">${reason}</p></div></li>\n`;
}

function leftOff(count: number, what: string): Html | null {
  return count === 0 ? null : html`<p class="soft small">${leftOffText(count, what)}</p>`;
}

export function runSection(receipt: Receipt): Html {
  const { created_at, ended_at, run_kind } = receipt;
  return html`<section aria-labelledby="run">
<h2 id="run">The run</h2>
${facts([
  ['Run', code(receipt.run_id)],
  [run_kind === 'job' ? 'Workspace' : 'Dataset', receipt.dataset_id],
  ['Version', code(receipt.snapshot_id)],
  ['Tenant', receipt.tenant_id],
  ['Asked for by', receipt.requested_by],
  ['Reason', furtherReason(receipt)],
  ['Started', moment(created_at)],
  ['Ended', ended_at === null ? 'not yet' : html`${moment(ended_at)} <span class="soft">(after ${spanText(created_at, ended_at)})</span>`],
  ['Rolls back', code(receipt.rolls_back)],
  ['Corrects', code(receipt.supersedes)],
])}
</section>`;
}

export function evidenceSection({ evidence }: Receipt): Html | null {
  if (evidence === null) return null;
  return html`<section aria-labelledby="evidence">
<h2 id="evidence">Evidence, and how to verify it offline</h2>
<p class="lead">${placeText(evidence)}</p>
${facts([['Record', code(evidence.place?.ref ?? evidence.decision_ref)]], true)}
<ol class="how">${evidence.verify.map(({ what, command }) => html`<li>${what}${commandBlock(command)}</li>`)}</ol>
</section>`;
}

const auditTones: Readonly<Record<Receipt['audit']['status'], Tone>> = { COMPLETE: 'good', INCOMPLETE: 'wait', STALE: 'bad' };

export function auditSection({ audit }: Receipt): Html {
  const names = (title: string, items: readonly string[]) =>
    items.length === 0 ? null : html`<h3>${title}</h3><ul class="tags">${items.map((item) => html`<li>${item}</li>`)}</ul>`;
  const report = reportText(audit);
  const tone = audit.status === 'COMPLETE' && !audit.is_clean ? 'wait' : auditTones[audit.status];
  return html`<section aria-labelledby="audit">
<h2 id="audit">Audit contract</h2>
<p class="state">${mark(tone)}<span>${audit.status}</span></p>
<p class="lead">${audit.sentence} <span class="soft">${audit.acknowledged} of ${audit.owed} acknowledged.</span></p>
${report === null ? null : html`<p class="soft small">${report}</p>\n`}${names('Missing', audit.missing)}${names('Not expected', audit.drift)}${names('Rolled back', rolledBackTexts(audit))}${leftOff(audit.left_off, 'are')}
</section>`;
}
