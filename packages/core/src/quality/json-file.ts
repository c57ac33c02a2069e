import type { z } from 'zod';
import { faultText, readAs } from '../api/fault.ts';
import { isProblem } from '../api/problem.ts';
import { parseStrictJson } from '../api/strict-json.ts';
import { notThisKind } from './import.ts';

/** The longest result file that is taken; it is read whole. */
export const qualityFileLimit = 32 * 1024 * 1024;

/**
 * A result file as JSON that two readers understand alike: bounded size and depth, UTF-8, and no name twice in an object, for then
 * a failure could hide behind a pass. Numbers beyond 2^53 are taken: tools report what they saw, and it is not read here.
 *
 * @throws Problem `unprocessable`
 */
export function readJson(bytes: Uint8Array, what: string): unknown {
  try {
    return parseStrictJson(bytes, { maxBytes: qualityFileLimit, inexactIntegers: true });
  } catch (cause) {
    if (isProblem(cause)) throw notThisKind(what, cause.message.replace(/^.*?refused: /, ''));
    throw cause;
  }
}

/** Read openly: tools add fields with every version. What is used is checked. @throws Problem `unprocessable` */
export function shapeOf<S extends z.ZodType>(schema: S, json: unknown, what: string): z.infer<S> {
  const read = readAs(schema, json);
  if (read.ok) return read.value;
  throw notThisKind(what, faultText(read.faults));
}
