/**
 * Colour or not, decided once for a stream: `--no-color`, then NO_COLOR (any value but the empty one), then FORCE_COLOR
 * (`0` and `false` mean no), then TERM=dumb, then whether it is a terminal.
 */
export function wantsColor(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean, noColor: boolean): boolean {
  if (noColor) return false;
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  if (env.TERM === 'dumb') return false;
  return isTerminal;
}
