import { Problem } from '../api/problem.ts';
import { importDbt } from './dbt.ts';
import { importGreatExpectations } from './great-expectations.ts';
import type { QualityImport } from './import.ts';
import { importJunit } from './junit.ts';
import { importOpenlineage } from './openlineage.ts';
import { importSoda } from './soda.ts';

/** The tools whose result files are read. */
export const importKinds = ['dbt', 'great-expectations', 'soda', 'junit', 'openlineage'] as const;
export type ImportKind = (typeof importKinds)[number];

const readers: { readonly [K in ImportKind]: (bytes: Uint8Array) => QualityImport } = {
  dbt: importDbt,
  'great-expectations': importGreatExpectations,
  soda: importSoda,
  openlineage: importOpenlineage,
  junit: (bytes) => importJunit(textOf(bytes)),
};

/**
 * Normalises a result file of a tool.
 *
 * @throws Problem `unprocessable` when it is not such a file, or holds no check
 */
export function readQuality(kind: ImportKind, bytes: Uint8Array): QualityImport {
  return readers[kind](bytes);
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Problem('unprocessable', {
      detail: 'this is not a JUnit report: it is not UTF-8',
      hint: 'govctl quality import --help',
      cause,
    });
  }
}
