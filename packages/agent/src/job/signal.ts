import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@govctl/core/evidence';
import type { StepSignal } from '@govctl/core/job';
import { FolderFault, leftByStep } from './folder-fault.ts';

type SignalFolder = { readonly signals: string };

/** A signal is a list, not a data set. */
const maxSignalBytes = 16 * 1024 * 1024;
const maxSignals = 64;
const listName = /\.(json|ndjson)$/;

/** What steps signalled so far, by name. @throws FolderFault for what is no list */
export async function readSignals({ signals }: SignalFolder): Promise<StepSignal[]> {
  const names = await leftByStep('the folder of signals', () => listNames(signals));
  if (names.length > maxSignals) throw new FolderFault(`${names.length} signals, and ${maxSignals} are allowed`);
  const found: StepSignal[] = [];
  for (const file of names) {
    const bytes = await leftByStep(`signal ${file}`, () => readSignal(signals, file));
    found.push({ name: nameOf(file), digest: digestOf(bytes), count: countOf(file, bytes.toString('utf8')) });
  }
  return found;
}

/** Digests of what is there before an attempt, list or not: what is still the same afterwards is not the attempt's. */
export async function signalDigests({ signals }: SignalFolder): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const file of (await listNames(signals).catch(() => [])).slice(0, maxSignals)) {
    const bytes = await readSignal(signals, file).catch(() => null);
    if (bytes !== null) found.set(nameOf(file), digestOf(bytes));
  }
  return found;
}

async function listNames(signals: string): Promise<string[]> {
  return (await readdir(signals)).filter((name) => listName.test(name)).sort();
}

async function readSignal(signals: string, file: string): Promise<Buffer> {
  const path = join(signals, file);
  const about = await lstat(path);
  if (!about.isFile()) throw new FolderFault(`signal ${file} is not a file`);
  if (about.size > maxSignalBytes) throw new FolderFault(`signal ${file} has ${about.size} bytes, and ${maxSignalBytes} are allowed`);
  return await readFile(path);
}

function nameOf(file: string): string {
  return file.replace(listName, '');
}

function countOf(file: string, text: string): number {
  try {
    if (file.endsWith('.ndjson')) {
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      for (const line of lines) JSON.parse(line);
      return lines.length;
    }
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value.length;
  } catch {
    // Said below, in one way for both.
  }
  throw new FolderFault(`signal ${file} is no JSON list`);
}
