import { Problem, type Route } from '@govctl/core/api';

/** Path and query of a call. Parameters are percent-encoded, so that a name is never read as a path. */
export function requestPath(route: Route, input: { readonly params?: unknown; readonly query?: unknown }): string {
  const params = (input.params ?? {}) as Readonly<Record<string, unknown>>;
  const path = route.path.replace(/:([a-z_]+)|\*$/g, (placeholder, name: string | undefined) => {
    const value = params[name ?? '*'];
    if (value === undefined) throw new Problem('internal', { detail: `the call to ${route.path} lacks ${placeholder}` });
    // A wildcard is a path: its slashes stay.
    return name === undefined ? String(value).split('/').map(encodeURIComponent).join('/') : encodeURIComponent(String(value));
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries((input.query ?? {}) as Readonly<Record<string, unknown>>)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
