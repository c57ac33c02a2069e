import { createHash } from 'node:crypto';
import { style } from './style.ts';

const styleHash = createHash('sha256').update(style).digest('base64');

/**
 * What the page may do: be styled by the one sheet in it, and show the icon in it. No script, no form, no request, no base. It stands in
 * the page too, for where it is opened from a disk.
 */
export const contentPolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; base-uri 'none'; form-action 'none'`;

/** Headers of the page, wherever it is served. Only a header can say that it is nobody's frame. */
export const receiptHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `${contentPolicy}; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};
