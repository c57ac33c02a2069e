import { quoted } from '../quoted.ts';
import type { Detection, MissingColumn, NearMiss } from './detect.ts';
import { inputKinds, type KindName } from './kind.ts';

/** Data has to be mended: the job's file and its steps are fine. */
export type InputReason = 'input-missing' | 'input-empty' | 'input-wrong-headers' | 'input-unreadable';
export type InputSaid = { readonly reason: InputReason; readonly takeaway: string; readonly next_action: string };
type Seen = { readonly path: string; readonly input: string; readonly detection: Detection };

const untouched = 'Nothing was inferred from it.';
const again = 'then take a new snapshot and submit the job with it';

/** What is to be said of the file that should have been the input, calmly; and the one thing to do about it. */
export function sayOfInput(kind: KindName, seen: Seen | undefined): InputSaid {
  const { plural } = inputKinds[kind];
  const columns = list(inputKinds[kind].required.map(({ name }) => name));
  const missing: InputSaid = {
    reason: 'input-missing',
    takeaway: `None of the inputs holds ${plural}. Nothing was inferred.`,
    next_action: `Pin an input with ${plural}: a table with the columns ${columns}.`,
  };
  if (seen === undefined) return missing;
  const file = quoted(seen.path);
  const { detection } = seen;
  switch (detection.state) {
    case 'good':
      return missing;
    case 'empty':
      return {
        reason: 'input-empty',
        takeaway: `${file} holds ${detection.kind === null ? 'nothing yet' : 'headers and no rows yet'}. ${untouched}`,
        next_action: `Export the ${plural} to ${file} again, ${again}.`,
      };
    case 'unreadable':
      return {
        reason: 'input-unreadable',
        takeaway: `${file} could not be read as a table: this is ${detection.what}. ${untouched}`,
        next_action: `For ${file}, ${detection.instead}, ${again}.`,
      };
    case 'wrong_headers': {
      const near = detection.near.find((one) => one.kind === kind);
      if (near !== undefined) return wrongHeaders(file, plural, near, detection.headers);
      if (detection.headers.length > 0) {
        const seenHeaders = list(detection.headers.slice(0, 3).map((header) => quoted(header)));
        return { ...missing, takeaway: `None of the inputs holds ${plural}; ${file} has ${seenHeaders}. Nothing was inferred.` };
      }
      return {
        reason: 'input-wrong-headers',
        takeaway: `${file} begins with values: it has no line of headers, so its columns are not known. ${untouched}`,
        next_action: `Give ${file} a first line with the columns ${columns}, ${again}.`,
      };
    }
  }
}

function wrongHeaders(file: string, plural: string, near: NearMiss, headers: readonly string[]): InputSaid {
  if (near.headers_below === true) {
    return {
      reason: 'input-wrong-headers',
      takeaway: `${file} looks like ${plural}, with other lines above its headers. ${untouched}`,
      next_action: `Remove the lines above the headers in ${file}, ${again}.`,
    };
  }
  const unused =
    headers.length === 0 ? '' : `, and none of its ${headers.length} columns stands for ${near.missing.length > 1 ? 'them' : 'it'}`;
  const found = near.missing.flatMap((one) => (one.found === null ? [] : [`${quoted(one.found)} stands where ${one.column} was expected`]));
  const lack = `${near.missing.length > 1 ? 'the columns' : 'the column'} ${list(near.missing.map(({ column }) => column))} ${near.missing.length > 1 ? 'are' : 'is'} missing`;
  return {
    reason: 'input-wrong-headers',
    takeaway: `${file} looks like ${plural}, but ${lack}${found.length > 0 ? `: ${list(found)}` : unused}. ${untouched}`,
    next_action: `In ${file}, ${mend(near.missing)}, ${again}.`,
  };
}

function mend(missing: readonly MissingColumn[]): string {
  const renamed = missing.flatMap(({ column, found }) => (found === null ? [] : [`rename the column ${quoted(found)} to ${column}`]));
  const added = missing.filter(({ found }) => found === null).map(({ column }) => column);
  return list([...renamed, ...(added.length === 0 ? [] : [`add the ${added.length > 1 ? 'columns' : 'column'} ${list(added)}`])]);
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
