export { buildReceipt } from './build.ts';
export { isDataBroken } from './data-trouble.ts';
export { receiptHtml } from './html.ts';
export { manifestOfJob, receiptRunOfJob } from './of-job.ts';
export { receiptHeaders } from './policy.ts';
export { type Receipt, type ReceiptGate, type ReceiptStep, receiptDocument, receiptLimits } from './receipt.ts';
export { type AssistPlace, remoteAssist } from './remote-assist.ts';
export { furtherHelp, furtherReason, type StepNote, stepNotes } from './said-once.ts';
export type { ManifestStep, ReceiptRun, ReceiptSources } from './source.ts';
export {
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
  visible,
} from './words.ts';
