/**
 * Is a history of the ACTIVE pointer linearizable: could one register, touched by one client at a time, have given every answer, each
 * at some moment between its question and its answer? One register per (tenant, dataset, layer); each is judged by itself, because
 * linearizability is local.
 */
export type Operation = {
  readonly client: string;
  /** Which register: tenant, dataset and layer in one string. */
  readonly register: string;
  /** One clock for all clients. */
  readonly invoked_at: number;
  /** When the answer was there. Not looked at where the outcome is unknown: that may still happen long after. */
  readonly returned_at: number;
} & (Read | Move);

type Read = { readonly kind: 'read'; readonly generation: number; readonly snapshot: string | null };
type Move = {
  readonly kind: 'move';
  /** The generation it replaces; null: whichever is there. Of a move that was answered with generation g it is g - 1. */
  readonly expected: number | null;
  readonly snapshot: string;
  /**
   * `conflict` claims that another generation stood there. What was refused for any other reason did nothing and claims nothing:
   * leave it out. `unknown` has happened, will happen, or never does.
   */
  readonly outcome: 'ok' | 'conflict' | 'unknown';
};

export type State = { readonly generation: number; readonly snapshot: string | null };

export type Violation = {
  readonly register: string;
  /** The operation whose answer no order explains, when no earlier answer is wrong. */
  readonly operation: Operation;
  /** What the register could have been just before that answer. */
  readonly possible: readonly State[];
  /** All that is needed to see it, in order of invocation: answers given until then, without those that do not matter. */
  readonly history: readonly Operation[];
};

export type Verdict = { readonly linearizable: true } | { readonly linearizable: false; readonly violation: Violation };

/** A state that the answers so far allow, and the operations that are under way but did not take place yet. */
type World = State & { readonly waiting: readonly number[] };

const nothing: State = { generation: 0, snapshot: null };

/** A question that was asked and changes nothing: what it saw is that this state was there. */
function agrees(operation: Operation, state: State): boolean {
  if (operation.kind === 'read') return operation.generation === state.generation && operation.snapshot === state.snapshot;
  return operation.outcome === 'conflict' && operation.expected !== state.generation;
}

function moves(operation: Operation, state: State): operation is Operation & Move {
  return (
    operation.kind === 'move' &&
    operation.outcome !== 'conflict' &&
    (operation.expected === null || operation.expected === state.generation)
  );
}

/**
 * Where one thing is true for the future of two worlds, only one of them is kept: whoever sees what he saw has seen it at once, and an
 * unknown move that came too late never happens. So only moves branch, and of those only the few that fit the generation.
 */
function settled(history: readonly Operation[], state: State, waiting: readonly number[]): World {
  const open = waiting.filter((place) => {
    const operation = history[place];
    if (operation === undefined || agrees(operation, state)) return false;
    const late = operation.kind === 'move' && operation.expected !== null && operation.expected < state.generation;
    return !(late && operation.outcome === 'unknown');
  });
  return { generation: state.generation, snapshot: state.snapshot, waiting: open };
}

function nameOf({ generation, snapshot, waiting }: World): string {
  return `${generation} ${waiting.join(',')} ${snapshot ?? ''}`;
}

/** The generation at which an answer is explained or never will be: generations only grow. */
function latest(operation: Operation | undefined): number {
  if (operation?.kind === 'read') return operation.generation;
  return operation?.outcome === 'ok' && operation.expected !== null ? operation.expected : Number.POSITIVE_INFINITY;
}

/** All worlds in which the operation has taken place: itself the last, others before it as far as they can help. */
function worldsAfter(history: readonly Operation[], worlds: Iterable<World>, place: number): Map<string, World> {
  const last = latest(history[place]);
  const reached = new Map<string, World>();
  const known = new Set<string>();
  const open = [...worlds];
  for (let world = open.pop(); world !== undefined; world = open.pop()) {
    const name = nameOf(world);
    if (known.has(name)) continue;
    known.add(name);
    if (!world.waiting.includes(place)) {
      reached.set(name, world);
      continue;
    }
    for (const other of world.waiting) {
      const operation = history[other];
      if (operation === undefined || !moves(operation, world) || (other !== place && world.generation >= last)) continue;
      const next = { generation: world.generation + 1, snapshot: operation.snapshot };
      open.push(
        settled(
          history,
          next,
          world.waiting.filter((waiting) => waiting !== other),
        ),
      );
    }
  }
  return reached;
}

const answered = (operation: Operation) => operation.kind === 'read' || operation.outcome !== 'unknown';

type Failure = { readonly operation: Operation; readonly possible: readonly State[] };

/** Wing and Gong's search in Lowe's form: worlds are carried from answer to answer, and equal ones are one. */
function firstFailure(history: readonly Operation[]): Failure | undefined {
  // Of the same instant, questions come first: then they overlap, which claims less.
  const events = history
    .flatMap((operation, place) => [
      { at: operation.invoked_at, rank: 0, place },
      ...(answered(operation) ? [{ at: operation.returned_at, rank: 1, place }] : []),
    ])
    .sort((a, b) => a.at - b.at || a.rank - b.rank);
  let worlds = new Map([['', settled(history, nothing, [])]]);
  for (const { rank, place } of events) {
    const before = [...worlds.values()];
    if (rank === 0) worlds = new Map(before.map((world) => settled(history, world, [...world.waiting, place])).map((w) => [nameOf(w), w]));
    else worlds = worldsAfter(history, before, place);
    const operation = history[place];
    if (worlds.size === 0 && operation !== undefined) return { operation, possible: before };
  }
  return undefined;
}

/** The history as it stood at a moment: reads without an answer say nothing, moves without one may have happened. */
function until(history: readonly Operation[], moment: number): Operation[] {
  return history.flatMap((operation) => {
    if (operation.invoked_at > moment) return [];
    if (operation.returned_at <= moment || !answered(operation)) return [operation];
    return operation.kind === 'move' ? [{ ...operation, outcome: 'unknown' as const }] : [];
  });
}

function explain(register: string, history: readonly Operation[]): Violation | undefined {
  if (firstFailure(history) === undefined) return undefined;
  // What was explained before an answer stays explained, so the first wrong answer is found by halving.
  const moments = history.filter(answered).map((operation) => operation.returned_at);
  moments.sort((a, b) => a - b);
  let [low, high] = [0, moments.length - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (firstFailure(until(history, moments[middle] ?? 0)) === undefined) low = middle + 1;
    else high = middle;
  }
  let needed = until(history, moments[low] ?? 0);
  for (const operation of [...needed]) {
    const less = needed.filter((other) => other !== operation);
    // Never a move that may have happened: without it, what it explains would look wrong.
    const claimsOnly = operation.kind === 'read' || operation.outcome === 'conflict';
    if (claimsOnly && firstFailure(less) !== undefined) needed = less;
  }
  const failure = firstFailure(needed);
  if (failure === undefined) return undefined;
  const states = failure.possible.map(({ generation, snapshot }) => ({ generation, snapshot }));
  const possible = [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
  return { register, operation: failure.operation, possible, history: needed };
}

/** Judges a history of any number of registers; the first violation found is told. */
export function checkLinearizable(operations: readonly Operation[]): Verdict {
  for (const [register, own = []] of Object.entries(Object.groupBy(operations, (operation) => operation.register))) {
    const history = own.toSorted((a, b) => a.invoked_at - b.invoked_at);
    const violation = explain(register, history);
    if (violation !== undefined) return { linearizable: false, violation };
  }
  return { linearizable: true };
}

function operationText(operation: Operation): string {
  const when = `${operation.client} [${operation.invoked_at}, ${answered(operation) ? operation.returned_at : 'never'}]`;
  const { snapshot } = operation;
  if (operation.kind === 'read') return `${when} read generation ${operation.generation}, ${snapshot ?? 'nothing'}`;
  return `${when} move of generation ${operation.expected ?? 'any'} to ${snapshot}: ${operation.outcome}`;
}

/** A violation as a page for whoever reads a failed test. */
export function violationText({ register, operation, possible, history }: Violation): string {
  const states = possible.map(({ generation, snapshot }) => `generation ${generation}, ${snapshot ?? 'nothing'}`);
  return [
    `${register} is not linearizable: nothing explains the answer`,
    `  ${operationText(operation)}`,
    `just before it the register was one of: ${states.join('; ')}`,
    'the history that shows it:',
    ...history.map((each) => `  ${operationText(each)}`),
  ].join('\n');
}
