import { visible } from '@govctl/core/receipt';
import type { Paint } from './paint.ts';
import { columnsOf, wrap } from './wrap.ts';

/** What a part is drawn with. */
export type Sheet = {
  readonly paint: Paint;
  /** Wrapped prose. */
  prose(text: string, indent?: number): string[];
  /** A line that is never broken. */
  whole(text: string, indent?: number): string;
  /** A word, and after it prose whose lines all begin where the first does. */
  hanging(
    word: string,
    text: string,
    options?: { readonly indent?: number; readonly width?: number; readonly painted?: (word: string) => string },
  ): string[];
  /** A name, and beside it what it is; null is left out, what must not be broken stands on a line of its own where it does not fit. */
  pairs(entries: readonly (readonly [name: string, value: string | null, whole?: 'whole'])[], indent?: number): string[];
};

export function sheetOf(paint: Paint, width: number): Sheet {
  const pad = (indent: number) => ' '.repeat(indent);
  const prose: Sheet['prose'] = (text, indent = 2) => wrap(visible(text), width - indent).map((line) => `${pad(indent)}${line}`);
  const whole: Sheet['whole'] = (text, indent = 2) => `${pad(indent)}${visible(text)}`;
  const hanging: Sheet['hanging'] = (word, text, { indent = 2, width: cell = columnsOf(word), painted = (same: string) => same } = {}) => {
    const start = indent + cell + 2;
    const [first = '', ...rest] = wrap(visible(text), width - start);
    const gap = pad(Math.max(0, cell - columnsOf(word)) + 2);
    return [`${pad(indent)}${painted(word)}${gap}${first}`, ...rest.map((line) => `${pad(start)}${line}`)];
  };
  return {
    paint,
    prose,
    whole,
    hanging,
    pairs(entries, indent = 2) {
      const shown = entries.filter(([, value]) => value !== null);
      const nameWidth = Math.max(0, ...shown.map(([name]) => columnsOf(visible(name))));
      return shown.flatMap(([name, value, kind]) => {
        const title = visible(name);
        const text = visible(value ?? '');
        if (kind === 'whole' && columnsOf(text) > width - indent - nameWidth - 2)
          return [`${pad(indent)}${paint.faint(title)}`, whole(text, indent + 2)];
        return hanging(title, text, { indent, width: nameWidth, painted: paint.faint });
      });
    },
  };
}

/** A headline of a part. */
export function titled(title: string, { paint }: Sheet, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [paint.strong(title), ...lines];
}
