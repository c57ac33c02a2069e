import { Problem, type Route } from '@govctl/core/api';

type Exact = { readonly meant: string; readonly target: RegExp };

/**
 * Refuses every other spelling of a route that has only one: what some reader on the way could take for the same path (encoded letters,
 * slashes doubled or at the end, another case, a fragment, parameters before, after or instead) is not served as if it were.
 *
 * @throws Problem `invalid-request`
 */
export function exactTargets(routes: Iterable<Route>): (url: string) => void {
  const exact: Exact[] = [];
  for (const { path, target } of routes) if (target !== undefined) exact.push({ meant: meantBy(path), target });
  return (url) => {
    if (exact.length === 0) return;
    const meant = meantBy(url);
    const known = exact.find((one) => one.meant === meant);
    if (known === undefined || known.target.test(url)) return;
    throw new Problem('invalid-request', {
      detail: 'this path is served in one spelling, with one parameter and nothing else',
      hint: 'use the URL exactly as it was given: govctl evidence get REF --url',
    });
  };
}

/** The path that a forgiving reader could understand. */
function meantBy(url: string): string {
  let path = url.split(/[?#;&]/, 1)[0] ?? '';
  // Twice: what is encoded twice is decoded twice by two readers in a row.
  for (let round = 0; round < 2; round += 1)
    path = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const parts: string[] = [];
  for (const part of path.split(/[?#;&]/, 1)[0]?.split(/[/\\]+/) ?? []) {
    const name = part.trim();
    if (name === '..') parts.pop();
    else if (name !== '' && name !== '.') parts.push(name.toLowerCase());
  }
  return parts.join('/');
}
