import { technicalFold, watchFold } from './html-fold.ts';
import {
  auditSection,
  decisionSection,
  evidenceSection,
  nextSection,
  runSection,
  stepSection,
  troubleSection,
  verdictHeader,
} from './html-section.ts';
import { Html, html } from './html-tag.ts';
import { iconUrl } from './mark.ts';
import { contentPolicy } from './policy.ts';
import type { Receipt } from './receipt.ts';
import { style } from './style.ts';
import { kindWords } from './words.ts';

/**
 * The receipt as a page that needs nothing: no script, no font, no picture from anywhere. It can be mailed, kept, hashed and printed, and
 * it shows whatever a run was called or said as text.
 */
export function receiptHtml(receipt: Receipt): string {
  const { verdict, dataset_id, run_kind, run_id } = receipt;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${verdict.word}: ${kindWords[run_kind]} of ${dataset_id} (${run_id})</title>
<link rel="icon" href="${iconUrl(verdict.tone)}">
<style>${sheet}</style>
</head>
<body class="tone-${verdict.tone}">
<main class="receipt">
${verdictHeader(receipt)}
${nextSection(receipt)}
${troubleSection(receipt)}
${stepSection(receipt)}
${decisionSection(receipt)}
${runSection(receipt)}
${evidenceSection(receipt)}
${auditSection(receipt)}
${watchFold(receipt)}
${technicalFold(receipt)}
<footer class="foot"><p>Receipt of run <span class="code">${run_id}</span>. This page says what was recorded; the evidence proves it.</p></footer>
</main>
</body>
</html>
`;
  return page.text;
}

// The one text that is put in as it is: its digest is in the policy.
const sheet = new Html(style);
