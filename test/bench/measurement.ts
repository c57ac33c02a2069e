import type { Spread } from './spread.ts';

/** What every measurement is given. */
export type Lab = {
  /** The checkout. */
  readonly root: string;
  /** Fewer rounds and rows, to see that everything works; the figures mean nothing. */
  readonly quick: boolean;
  /** A folder that is removed when the measurement ends. */
  readonly folder: string;
  /** A folder for what several measurements use; removed at the end. */
  readonly shared: string;
  /** Says what is going on. */
  readonly tell: (text: string) => void;
};

export type Table = { readonly title: string; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };

/** A promise of the design and what was measured; never asserted by a test. */
export type Bar = { readonly what: string; readonly measured: string; readonly bar: string; readonly met: boolean };

export type Section = {
  readonly title: string;
  /** How it was measured and what stands on either side, a paragraph each. */
  readonly text: readonly string[];
  readonly tables: readonly Table[];
  readonly bars: readonly Bar[];
  /** The figures behind the tables, round by round, for the JSON. */
  readonly data: Readonly<Record<string, unknown>>;
};

export type Measurement = { readonly name: string; readonly run: (lab: Lab) => Promise<Section> };

/** A bar on the median of rounds: at least, or at most. */
export function barOf(what: string, measured: Spread, bar: { readonly least?: number; readonly most?: number }, show: Show): Bar {
  const met = (bar.least === undefined || measured.median >= bar.least) && (bar.most === undefined || measured.median <= bar.most);
  const asked = [
    ...(bar.least === undefined ? [] : [`at least ${show(bar.least)}`]),
    ...(bar.most === undefined ? [] : [`at most ${show(bar.most)}`]),
  ];
  return { what, measured: spreadText(measured, show), bar: asked.join(', '), met };
}

type Show = (value: number) => string;

/** `median (min to max)`; of one value that value. */
export function spreadText(spread: Spread, show: Show): string {
  return spread.min === spread.max ? show(spread.median) : `${show(spread.median)} (${show(spread.min)} to ${show(spread.max)})`;
}

export const count: Show = (value) => Math.round(value).toLocaleString('en-US');
export const percent: Show = (value) => `${(value * 100).toFixed(0)} %`;
export const times: Show = (value) => `${value.toFixed(2)} times`;
export const milliseconds: Show = (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
export const microseconds: Show = (value) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} µs`;
export const mebibytes: Show = (value) => `${(value / 1024 / 1024).toFixed(0)} MiB`;
