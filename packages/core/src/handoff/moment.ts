const shape = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(?:Z|\+00:00)$/;

/** The stored form as an SQLite GLOB: exactly six decimals, so that text order is time order. */
export const bornAtGlob = '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z';

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/**
 * Brings a birth's time to its one stored form, `YYYY-MM-DDTHH:MM:SS.ffffffZ`. It never becomes a JavaScript Date, which would drop
 * the microseconds that make (object, time) unique. Null for what is not RFC 3339 in UTC, or is finer than a microsecond.
 *
 * @example normaliseBornAt('2026-11-21T03:00:00.5Z') // '2026-11-21T03:00:00.500000Z'
 */
export function normaliseBornAt(text: string): string | null {
  const match = shape.exec(text);
  if (match === null) return null;
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction = ''] = match;
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  if (m < 1 || m > 12 || d < 1 || d > daysIn(y, m)) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(6, '0')}Z`;
}
