import { nearest, Problem, type ProblemReason, routeList } from '@govctl/core/api';

const known: readonly string[] = [...new Set(Object.values(routeList).map(({ action }) => action))]
  .filter((action) => action !== 'open')
  .toSorted();
const nouns = [...new Set(known.map((action) => action.slice(0, action.indexOf('.'))))];

/**
 * A grant names what exists: an action of a route, all of a noun (`promotion.*`), everything (`*`), or a role of approvals
 * (`role.data-steward`, named by contracts). One that is mistyped would be on record, and permit nothing.
 * @throws Problem `unprocessable`, with every one that is unknown
 */
export function requireKnownActions(actions: readonly string[]): void {
  const unknown = [...new Set(actions)].filter((action) => !isKnown(action));
  if (unknown.length === 0) return;
  throw new Problem('unprocessable', {
    detail: unknown.length === 1 ? `there is no action ${unknown[0]}` : 'some actions do not exist',
    reasons: unknown.map(reasonOf),
    hint: 'docs/api.md names the action of each route; a grant takes it, noun.* or *, and role.NAME for a role in approvals',
  });
}

function isKnown(action: string): boolean {
  if (action === '*' || action.startsWith('role.') || known.includes(action)) return true;
  return action.endsWith('.*') && nouns.includes(action.slice(0, -2));
}

function reasonOf(action: string): ProblemReason {
  const noun = action.slice(0, action.indexOf('.'));
  const meant = nearest(action, known) ?? nearest(noun, nouns);
  const verbs = known.filter((each) => each.startsWith(`${noun}.`));
  if (verbs.length > 0) return { message: `${action}: ${noun} has ${verbs.map((verb) => verb.slice(noun.length + 1)).join(', ')}` };
  return { message: `${action}: ${meant === undefined ? `nouns are ${nouns.join(', ')}` : `did you mean ${meant}?`}` };
}
