import { Problem } from '@govctl/core/api';
import type { Declaration } from '../command.ts';

/** The parts of a request, as govd names them where a field does not fit. */
const field = /^(?:path|query|body)\.(.+)/;

/**
 * A field of the request that does not fit, in terms of the command that sent it: `--limit` for `query.limit`, `DATASET` for
 * `body.dataset_id`, and the help that says what it takes. A program still reads the path of the request in the reasons.
 */
export function faultOfFlag(problem: Problem, path: string, declaration: Declaration, machine: boolean): Problem {
  const { reasons } = problem;
  if (problem.code !== 'invalid-request' || reasons === undefined || !reasons.some((reason) => field.test(reason.path ?? '')))
    return problem;
  const names = new Map(reasons.flatMap(({ path: at }) => (at === undefined ? [] : [[at, givenAs(at, declaration)] as const])));
  const [first] = reasons;
  return Object.assign(
    new Problem(problem.code, {
      // One is said once; several are a list.
      detail: reasons.length > 1 ? `${reasons.length} values do not fit` : `${names.get(first?.path ?? '') ?? ''}: ${first?.message ?? ''}`,
      hint: `govctl ${path} --help`,
      reasons: machine
        ? reasons
        : reasons.map(({ path: at, message }) => (at === undefined ? { message } : { path: names.get(at) ?? at, message })),
      cause: problem,
    }),
    { requestId: (problem as { requestId?: string }).requestId },
  );
}

/** The flag or argument a field came from; the field itself where none is called so. Lists are given one by one: `--action`. */
function givenAs(at: string, { args = {}, flags = {} }: Declaration): string {
  const [outer = '', ...inner] = (field.exec(at)?.[1] ?? '')
    .replaceAll(/\[\d+\]/g, '')
    .replaceAll('_', '-')
    .split('.');
  const last = inner.at(-1) ?? outer;
  const names = [outer, outer.replace(/-id$/, ''), last.endsWith('s') ? last.slice(0, -1) : outer];
  const flag = names.find((name) => Object.hasOwn(flags, name));
  if (flag !== undefined) return `--${flag}`;
  const argument = names.find((name) => Object.hasOwn(args, name));
  return argument === undefined ? at : argument.toUpperCase();
}
