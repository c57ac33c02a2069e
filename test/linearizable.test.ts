import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLinearizable, type Operation, type State, violationText } from './linearizable.ts';

const register = 'default/orders/GDP';
const read = (client: string, from: number, to: number, generation: number, snapshot: string | null): Operation => ({
  client,
  register,
  invoked_at: from,
  returned_at: to,
  kind: 'read',
  generation,
  snapshot,
});
const move = (
  client: string,
  [from, to]: readonly [number, number],
  expected: number | null,
  snapshot: string,
  outcome: 'ok' | 'conflict' | 'unknown' = 'ok',
): Operation => ({ client, register, invoked_at: from, returned_at: to, kind: 'move', expected, snapshot, outcome });

function violationOf(history: readonly Operation[]) {
  const verdict = checkLinearizable(history);
  if (verdict.linearizable) throw new Error('it is linearizable');
  return verdict.violation;
}

describe('histories told by hand', () => {
  it('nothing, and a pointer nobody set', () => {
    expect(checkLinearizable([])).toEqual({ linearizable: true });
    expect(checkLinearizable([read('a', 0, 1, 0, null)])).toEqual({ linearizable: true });
  });

  it('overlapping reads may see either side of a move, but not go back', () => {
    const moved = move('a', [0, 10], 0, 's1');
    expect(checkLinearizable([moved, read('b', 1, 2, 0, null), read('b', 3, 4, 1, 's1')]).linearizable).toBe(true);
    const violation = violationOf([moved, read('b', 1, 2, 1, 's1'), read('c', 3, 4, 0, null)]);
    expect(violation.operation).toMatchObject({ client: 'c', kind: 'read' });
    expect(violation.possible).toEqual([{ generation: 1, snapshot: 's1' }]);
  });

  it('two moves of one generation cannot both be done', () => {
    expect(violationOf([move('a', [0, 5], 0, 's1'), move('b', [1, 6], 0, 's2')]).operation).toMatchObject({ client: 'b' });
    expect(checkLinearizable([move('a', [0, 5], 0, 's1'), move('b', [1, 6], 0, 's2', 'conflict')]).linearizable).toBe(true);
  });

  it('a conflict needs another generation', () => {
    expect(violationOf([move('a', [0, 1], 0, 's1', 'conflict')]).possible).toEqual([{ generation: 0, snapshot: null }]);
  });

  it('an unknown move happens later, or never, but not twice', () => {
    const lost = move('a', [0, 1], 0, 's1', 'unknown');
    expect(checkLinearizable([lost, read('b', 50, 51, 0, null), read('b', 60, 61, 1, 's1')]).linearizable).toBe(true);
    expect(checkLinearizable([lost, move('b', [50, 51], 0, 's2')]).linearizable).toBe(true);
    expect(checkLinearizable([lost, move('b', [50, 51], 1, 's2'), read('b', 60, 61, 2, 's1')]).linearizable).toBe(false);
    expect(checkLinearizable([move('a', [0, 1], null, 's1', 'unknown'), read('b', 60, 61, 2, 's1')]).linearizable).toBe(false);
  });

  it('registers do not know of each other', () => {
    const other = { ...move('b', [0, 1], 0, 's2'), register: 'default/orders/KPI' };
    expect(checkLinearizable([move('a', [0, 1], 0, 's1'), other, read('a', 2, 3, 1, 's1')]).linearizable).toBe(true);
  });

  it('tells the first wrong answer with nothing that does not matter', () => {
    const noise = Array.from({ length: 40 }, (_, n) => read('n', 20 + n, 20.5 + n, 1, 's1'));
    const wrong = read('c', 100, 101, 0, null);
    const violation = violationOf([move('a', [0, 10], 0, 's1'), ...noise, wrong, read('d', 200, 201, 7, 's9')]);
    expect(violation.operation).toEqual(wrong);
    expect(violation.history).toEqual([move('a', [0, 10], 0, 's1'), wrong]);
    expect(violationText(violation)).toContain('just before it the register was one of: generation 1, s1');
  });

  it('many clients whose answers were lost are judged nevertheless', () => {
    const lost = Array.from({ length: 60 }, (_, n) => move(`l${n}`, [n, n + 1], n % 7, `lost-${n}`, 'unknown'));
    const done = Array.from({ length: 300 }, (_, n) => move('a', [100 + n, 100.5 + n], n, `s${n + 1}`));
    expect(checkLinearizable([...lost, ...done]).linearizable).toBe(true);
  });
});

/** What a client does next; fast-check shrinks it. */
type Intent = {
  readonly client: number;
  readonly reads: boolean;
  /** How long it waits, then how long until the register is reached, then until the answer is there. */
  readonly pause: number;
  readonly there: number;
  readonly back: number;
  /** Moves from a generation it did not see. */
  readonly wrong: boolean;
  /** The answer is lost: before the register was reached, or after. */
  readonly fate: 'answered' | 'never-there' | 'never-back';
};

const intents = fc.array(
  fc.record<Intent>({
    client: fc.nat(4),
    reads: fc.boolean(),
    pause: fc.nat(6),
    there: fc.integer({ min: 1, max: 20 }),
    back: fc.integer({ min: 1, max: 20 }),
    wrong: fc.boolean(),
    fate: fc.constantFrom('answered', 'answered', 'answered', 'never-there', 'never-back'),
  }),
  { maxLength: 60 },
);

type Bug = 'lost update' | 'stale read' | 'doubled generation' | 'acknowledged but lost';
/** A defect, from the n-th time on that it can show. */
type Defect = { readonly bug: Bug; readonly nth: number };

class Register {
  state: State = { generation: 0, snapshot: null };
  /** What was there before, and had been replaced when this moment began. */
  past: { readonly state: State; readonly until: number }[] = [];
  readonly #defect: Defect | undefined;
  #chances = 0;
  shown = false;

  constructor(defect?: Defect) {
    this.#defect = defect;
  }

  #fails(bug: Bug): boolean {
    if (this.#defect?.bug !== bug || this.shown) return false;
    this.shown = this.#chances++ >= this.#defect.nth;
    return this.shown;
  }

  read(invokedAt: number): State {
    const stale = this.past.findLast(({ until }) => until < invokedAt);
    return stale !== undefined && this.#fails('stale read') ? stale.state : this.state;
  }

  move(expected: number, snapshot: string, doneAt: number): 'ok' | 'conflict' {
    const { generation } = this.state;
    if (expected !== generation && !(expected < generation && this.#fails('lost update'))) return 'conflict';
    if (this.#fails('acknowledged but lost')) return 'ok';
    this.past.push({ state: this.state, until: doneAt });
    const same = generation > 0 && this.#fails('doubled generation');
    this.state = { generation: same ? generation : expected + 1, snapshot };
    return 'ok';
  }
}

/** Plays the intents against a register, each operation at one moment of its own, and adds what a last reader sees. */
function play(plan: readonly Intent[], target: Register): Operation[] {
  const clocks = new Map<number, number>();
  const seen = new Map<number, number>();
  const history: Operation[] = [];
  const timed = plan.map((intent) => {
    const invoked_at = (clocks.get(intent.client) ?? 0) + intent.pause + 1;
    clocks.set(intent.client, invoked_at + intent.there + intent.back);
    return { intent, invoked_at, point: invoked_at + intent.there };
  });
  let end = 0;
  for (const [nth, { intent, invoked_at, point }] of timed.toSorted((a, b) => a.point - b.point).entries()) {
    const returned_at = point + intent.back;
    end = Math.max(end, returned_at);
    const common = { client: `c${intent.client}`, register, invoked_at, returned_at };
    if (intent.reads) {
      const state = target.read(invoked_at);
      seen.set(intent.client, state.generation);
      if (intent.fate === 'answered') history.push({ ...common, kind: 'read', ...state });
      continue;
    }
    const expected = intent.wrong ? (seen.get(intent.client) ?? 0) : target.state.generation;
    const snapshot = `s${nth}`;
    const answers = intent.fate === 'answered';
    const outcome = intent.fate === 'never-there' ? 'conflict' : target.move(expected, snapshot, returned_at);
    history.push({ ...common, kind: 'move', expected, snapshot, outcome: answers ? outcome : 'unknown' });
  }
  history.push({ client: 'last', register, invoked_at: end + 1, returned_at: end + 2, kind: 'read', ...target.state });
  return history;
}

describe('a simulated register', () => {
  it('is found linearizable, whatever the clients do and whichever answers are lost', () => {
    fc.assert(
      fc.property(intents, (plan) => {
        const verdict = checkLinearizable(play(plan, new Register()));
        if (!verdict.linearizable) throw new Error(violationText(verdict.violation));
      }),
      { numRuns: 500 },
    );
  });

  it.each<Bug>(['lost update', 'stale read', 'doubled generation', 'acknowledged but lost'])('is refused with the defect: %s', (bug) => {
    let shown = 0;
    fc.assert(
      fc.property(intents, fc.nat(5), (plan, nth) => {
        // A lost answer could stand for what the defect did, and rightly so.
        const answered = plan.map((intent) => ({ ...intent, fate: 'answered' as const }));
        const target = new Register({ bug, nth });
        const history = play(answered, target);
        if (!target.shown) return;
        shown += 1;
        const verdict = checkLinearizable(history);
        expect(verdict.linearizable).toBe(false);
        if (verdict.linearizable) return;
        // What it shows is a violation by itself, and none without the answer it blames.
        const { history: shownHistory, operation } = verdict.violation;
        expect(checkLinearizable(shownHistory).linearizable).toBe(false);
        // A lost update sets the register back: what was right after it contradicts what was right before, and no one answer is to blame.
        if (bug === 'lost update') return;
        const unanswered = shownHistory.flatMap((each) => {
          if (each !== operation) return [each];
          return each.kind === 'move' ? [{ ...each, outcome: 'unknown' as const }] : [];
        });
        expect(checkLinearizable(unanswered).linearizable).toBe(true);
      }),
      { numRuns: 1000 },
    );
    expect(shown).toBeGreaterThan(20);
  });
});
