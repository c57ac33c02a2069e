import { type Random, seeded } from '@govctl/fixtures/changelog/index.ts';

export type Insert = {
  readonly kind: 'birth' | 'change' | 'retirement';
  /** Several keys are one statement. */
  readonly keys: readonly string[];
  /** How long the source's own trigger holds the statement after its ids were drawn and, if it is the first, before it has an xid. */
  readonly delay_ms: number;
  /** Whether a birth stands in the changelog before it stands in the registry. */
  readonly changelog_first: boolean;
  /** Its keys are written by others too: births of one key wait for each other. */
  readonly shared: boolean;
};

type Pause = { readonly kind: 'pause'; readonly ms: number };
type Savepoint = { readonly kind: 'savepoint'; readonly steps: readonly (Insert | Pause)[]; readonly keep: boolean };
export type Step = Insert | Pause | Savepoint;

/** How a transaction ends. Killed: its backend is terminated, while it is idle, in the middle of a statement, or while it commits. */
export type Ending = 'commit' | 'rollback' | 'prepare' | 'prepare-rollback' | 'kill-idle' | 'kill-statement' | 'kill-commit';

export type Transaction = {
  /** Milliseconds after the begin of the run. A late writer goes on at once, and leaves nothing out. */
  readonly starts_at: number;
  readonly steps: readonly Step[];
  readonly ending: Ending;
  /** How long a prepared transaction stays prepared. */
  readonly prepared_ms: number;
};

/** A transaction that has nothing to do with the source, but an xid. */
export type Hold = {
  readonly starts_at: number;
  readonly ms: number;
  readonly where: 'same database' | 'other database';
  readonly prepared: boolean;
};

export type PlanOptions = {
  readonly seed: number;
  readonly seconds: number;
  readonly writers: number;
  /** Whether the connections of our tail are terminated again and again. */
  readonly raids: boolean;
};

export type Plan = {
  readonly writers: readonly (readonly Transaction[])[];
  readonly holds: readonly Hold[];
  /** When the connections of our tail are terminated, in milliseconds after the begin. */
  readonly raids: readonly number[];
};

const between = (random: Random, least: number, most: number) => Math.floor(least + random() * (most - least));

/** Mostly nothing, sometimes a little, rarely long: the mix in which ids become visible in any order. */
function length(random: Random): number {
  const mood = random();
  if (mood < 0.5) return 0;
  if (mood < 0.9) return between(random, 1, 40);
  return mood < 0.98 ? between(random, 50, 300) : between(random, 400, 1500);
}

function insert(random: Random, pool: readonly string[], shared: boolean): Insert {
  const kind = random() < 0.75 ? 'birth' : random() < 0.7 ? 'change' : 'retirement';
  const first = between(random, 0, pool.length);
  const count = !shared && random() < 0.2 ? between(random, 2, pool.length) : 1;
  const keys = Array.from({ length: count }, (_, n) => pool[(first + n) % pool.length] ?? '');
  return { kind, keys, delay_ms: random() < 0.3 ? length(random) : 0, changelog_first: random() < 0.5, shared };
}

function steps(random: Random, own: readonly string[], others: readonly string[]): Step[] {
  let shares = false;
  const one = (): Insert => {
    // Once a transaction: writers that lock two keys in opposite order would wait for the deadlock detector.
    const shared = !shares && random() < 0.12;
    shares ||= shared;
    return insert(random, shared ? others : own, shared);
  };
  const made: Step[] = [];
  for (let left = between(random, 1, 5); left > 0; left -= 1) {
    const pause = length(random);
    if (pause > 0) made.push({ kind: 'pause', ms: pause });
    const nested = random() < 0.25;
    made.push(nested ? { kind: 'savepoint', steps: [one(), { kind: 'pause', ms: length(random) }], keep: random() < 0.5 } : one());
  }
  return made;
}

/** How long it takes on a machine that needs no time for anything. */
function lengthOf(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => {
    if (step.kind === 'pause') return sum + step.ms;
    return sum + (step.kind === 'savepoint' ? lengthOf(step.steps) : step.delay_ms);
  }, 0);
}

function ending(random: Random): Ending {
  const mood = random();
  if (mood < 0.7) return 'commit';
  if (mood < 0.82) return 'rollback';
  if (mood < 0.9) return random() < 0.8 ? 'prepare' : 'prepare-rollback';
  const kills = ['kill-idle', 'kill-statement', 'kill-commit'] as const;
  return mood < 0.97 ? (kills[between(random, 0, kills.length)] ?? 'kill-idle') : 'commit';
}

/** Everything the writers of a run will do, and when. The same seed gives the same plan. */
export function makePlan(options: PlanOptions): Plan {
  const end = options.seconds * 1000;
  const shared = Array.from({ length: 4 }, (_, n) => `shared/object-${n}`);
  const writers = Array.from({ length: options.writers }, (_, writer) => {
    const random = seeded(options.seed * 1_000_003 + writer);
    const own = Array.from({ length: 6 }, (_, n) => `writer-${writer}/object-${n}`);
    const transactions: Transaction[] = [];
    for (let at = between(random, 0, 100); at < end; ) {
      const made = steps(random, own, shared);
      transactions.push({ starts_at: at, steps: made, ending: ending(random), prepared_ms: between(random, 5, 800) });
      // Bursts, and the quiet after them.
      at += lengthOf(made) + (random() < 0.7 ? between(random, 1, 60) : between(random, 100, 900));
    }
    return transactions;
  });
  // Long enough to be told from everything else that takes its time.
  const ms = Math.max(3000, end * 0.15);
  const hold = (share: number, where: Hold['where'], prepared: boolean): Hold => ({ starts_at: end * share, ms, where, prepared });
  // Not unrelated, and not holding up anybody who writes: a client that forgot its transaction.
  const row = insert(seeded(options.seed), ['hung/object'], false);
  const hung = { starts_at: end * 0.25, steps: [row, { kind: 'pause', ms }], ending: 'commit', prepared_ms: 0 } as const;
  const random = seeded(options.seed);
  const raids: number[] = [];
  for (let at = 500; options.raids && at < end; at += between(random, 200, 1200)) raids.push(at);
  return {
    raids,
    writers: [...writers, [hung]],
    holds: [hold(0.1, 'same database', false), hold(0.4, 'other database', false), hold(0.7, 'same database', true)],
  };
}
