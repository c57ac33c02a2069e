import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { pathText } from '../api/fault.ts';

/** One setting as it counts, and where it comes from. `line` is null for a default. */
export type EffectiveSetting = {
  readonly path: string;
  readonly value: string | number | boolean | null;
  readonly origin: 'file' | 'default';
  readonly line: number | null;
};

/** Every setting of a validated configuration, those of the text with their lines, the others as defaults. */
export function effectiveSettings(text: string, config: unknown): EffectiveSetting[] {
  const lines = linesOf(text);
  const settings: EffectiveSetting[] = [];
  const walk = (value: unknown, path: (string | number)[]): void => {
    if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...path, index]);
    else if (typeof value === 'object' && value !== null) for (const [name, inner] of Object.entries(value)) walk(inner, [...path, name]);
    else if (value !== undefined) {
      const line = lines.get(pathText(path)) ?? null;
      settings.push({ path: pathText(path), value: value as EffectiveSetting['value'], origin: line === null ? 'default' : 'file', line });
    }
  };
  walk(config, []);
  return settings;
}

function linesOf(text: string): Map<string, number> {
  const counter = new LineCounter();
  const { contents } = parseDocument(text, { lineCounter: counter });
  const lines = new Map<string, number>();
  const walk = (node: unknown, path: (string | number)[]): void => {
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const inner = [...path, isScalar(key) ? String(key.value) : ''];
        lines.set(pathText(inner), counter.linePos((key as Node).range?.[0] ?? 0).line);
        walk(value, inner);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        lines.set(pathText([...path, index]), counter.linePos((item as Node).range?.[0] ?? 0).line);
        walk(item, [...path, index]);
      }
    }
  };
  walk(contents, []);
  return lines;
}
