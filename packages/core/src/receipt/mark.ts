import { type Html, html } from './html-tag.ts';
import type { Tone } from './receipt.ts';

/** A shape of its own for every meaning: told apart without colour, and without reading. All decoration: the word stands beside it. */
const shapes: Readonly<Record<Tone, Html>> = {
  // A disc with a tick.
  good: html`<circle cx="12" cy="12" r="11" fill="currentColor"/><path d="m6.8 12.5 3.5 3.5 7-7.6" fill="none" stroke="var(--card)" stroke-width="2.3" stroke-linecap="round" stroke-linejoin="round"/>`,
  // An octagon with a cross.
  bad: html`<path d="M7.7 1h8.6L23 7.7v8.6L16.3 23H7.7L1 16.3V7.7z" fill="currentColor"/><path d="m8.3 8.3 7.4 7.4m0-7.4-7.4 7.4" fill="none" stroke="var(--card)" stroke-width="2.3" stroke-linecap="round"/>`,
  // A ring with hands.
  wait: html`<circle cx="12" cy="12" r="9.8" fill="none" stroke="currentColor" stroke-width="2.4"/><path d="M12 6.6V12l3.6 2.4" fill="none" stroke="currentColor" stroke-width="2.3" stroke-linecap="round" stroke-linejoin="round"/>`,
  // A square with a bar.
  plain: html`<rect x="2" y="2" width="20" height="20" rx="4" fill="none" stroke="currentColor" stroke-width="2.4"/><path d="M7.4 12h9.2" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/>`,
};

export function mark(tone: Tone): Html {
  return html`<svg class="mark ${tone}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${shapes[tone]}</svg>`;
}

const iconColors: Readonly<Record<Tone, string>> = { good: '#0b6b4f', bad: '#a62b22', wait: '#8a5a00', plain: '#44546c' };

/** The same shape as the icon of the tab: nothing has to be fetched, and nothing is asked for. */
export function iconUrl(tone: Tone): string {
  const shape = shapes[tone].text.replaceAll('currentColor', iconColors[tone]).replaceAll('var(--card)', '#fff');
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${shape}</svg>`)}`;
}
