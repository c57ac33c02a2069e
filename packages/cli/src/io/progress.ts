import type { Sink } from './stream.ts';

export type Amount = { readonly done: number; readonly total?: number; readonly unit: 'bytes' | 'rows' | 'files' | 'leaves' | 'records' };

export type Progress = {
  /** The next stretch of the work. */
  phase(text: string): void;
  /** How far it is; drawn with rate and time left on a terminal, not printed elsewhere. */
  update(amount: Amount): void;
  done(text?: string): Promise<void>;
  fail(text?: string): Promise<void>;
};

type ProgressOptions = { readonly sink: Sink; readonly silent: boolean; readonly color: boolean; readonly now?: () => number };

const scale = ['', 'k', 'M', 'G', 'T'];

function amountText(value: number, unit: Amount['unit']): string {
  const step = unit === 'bytes' ? 1024 : 1000;
  const power = value < 10_000 ? 0 : Math.min(scale.length - 1, Math.floor(Math.log(value) / Math.log(step)));
  const short = power === 0 ? String(Math.round(value)) : (value / step ** power).toFixed(1);
  return unit === 'bytes' ? `${short} ${scale[power]}${power === 0 ? 'B' : 'iB'}` : `${short}${scale[power]} ${unit}`;
}

/** `61% of 70.4k rows, 35.2k rows/s, 1s left`. */
export function progressText(amount: Amount, seconds: number): string {
  const rate = seconds > 0 ? amount.done / seconds : 0;
  const parts = [
    amount.total === undefined
      ? amountText(amount.done, amount.unit)
      : `${amount.total === 0 ? 100 : Math.floor((amount.done / amount.total) * 100)}% of ${amountText(amount.total, amount.unit)}`,
  ];
  if (rate > 0) parts.push(`${amountText(rate, amount.unit)}/s`);
  if (rate > 0 && amount.total !== undefined && amount.done < amount.total)
    parts.push(`${Math.ceil((amount.total - amount.done) / rate)}s left`);
  return parts.join(', ');
}

/** Starts showing a long work. On a terminal it is one line that changes; elsewhere a plain line per phase, and a last one. */
export async function startProgress(label: string, options: ProgressOptions): Promise<Progress> {
  const now = options.now ?? (() => performance.now());
  const started = now();
  let phase = label;
  let last: Amount | undefined;
  const summary = (text: string | undefined) =>
    text ?? (last === undefined ? phase : `${phase}: ${progressText(last, (now() - started) / 1000)}`);

  if (options.silent) return { phase() {}, update() {}, async done() {}, async fail() {} };

  // A terminal that does not know its width (containers, `script`) would make the spinner erase lines for ever.
  if (!options.sink.isTerminal || options.sink.raw.columns === 0) {
    let queue = options.sink.write(`${label}\n`);
    const line = (text: string) => {
      queue = queue.then(() => options.sink.write(`${text}\n`));
    };
    return {
      phase: (text) => {
        phase = text;
        line(text);
      },
      update: (amount) => {
        last = amount;
      },
      done: async (text) => {
        line(text === undefined && last === undefined ? `${label}: done` : summary(text));
        await queue;
      },
      fail: async (text) => {
        line(`${summary(text)}: failed`);
        await queue;
      },
    };
  }

  const { default: ora } = await import('ora');
  const spinner = ora({
    text: label,
    stream: options.sink.raw,
    isEnabled: true,
    discardStdin: false,
    ...(options.color ? {} : { color: false }),
  }).start();
  let drawn = 0;
  return {
    phase: (text) => {
      phase = text;
      spinner.text = text;
    },
    update: (amount) => {
      last = amount;
      if (now() - drawn < 100) return;
      drawn = now();
      spinner.text = `${phase}: ${progressText(amount, (now() - started) / 1000)}`;
    },
    done: async (text) => {
      spinner.stopAndPersist({ symbol: '✓', text: summary(text) });
    },
    fail: async (text) => {
      spinner.stopAndPersist({ symbol: '✗', text: summary(text) });
    },
  };
}
