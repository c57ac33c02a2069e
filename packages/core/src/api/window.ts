/** Oldest and newest API version one side speaks. Client and daemon agree on an integer, never on build strings. */
export type ApiWindow = { readonly min: number; readonly max: number };

/** The window of this build. `/v1/...` is version 1. */
export const apiWindow: ApiWindow = { min: 1, max: 1 };

/** Header of every answer and every request of the client: `1-1`. */
export const apiWindowHeader = 'govctl-api-version';

export function formatApiWindow(window: ApiWindow): string {
  return `${window.min}-${window.max}`;
}

/** `undefined` for what is not a window: then the other side is not govd. */
export function parseApiWindow(text: string): ApiWindow | undefined {
  const match = /^(\d{1,6})-(\d{1,6})$/.exec(text);
  if (match === null) return undefined;
  const window = { min: Number(match[1]), max: Number(match[2]) };
  return window.min <= window.max ? window : undefined;
}

/** The newest version both speak, or `undefined` where the windows do not overlap. */
export function commonApiVersion(ours: ApiWindow, theirs: ApiWindow): number | undefined {
  const version = Math.min(ours.max, theirs.max);
  return version >= Math.max(ours.min, theirs.min) ? version : undefined;
}
