import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@govctl/core/api';
import {
  cosignaturesOf,
  digestOf,
  ed25519Signer,
  formatCosignerKey,
  type KnownTree,
  type NoteVerifier,
  openCheckpoint,
  parseCosignerKey,
  parseVerifierKey,
  rawPublicKey,
  type Signer,
} from '@govctl/core/evidence';

/** The folder of a witness: its key, the logs it serves, and what it cosigned last of each. */
export type WitnessState = {
  readonly name: string;
  readonly vkey: string;
  readonly signer: Signer;
  /** Read from the file each time it is asked: a log that is added is served at once. */
  keysOf(origin: string): Promise<readonly NoteVerifier[]>;
  /** The checkpoint that was cosigned last. @throws Problem `integrity` when what lies there is not by this witness */
  lastOf(origin: string, keys: readonly NoteVerifier[]): Promise<KnownTree | null>;
  /** Durable when it returns. */
  keep(origin: string, note: string): Promise<void>;
};

const paths = (folder: string) => ({
  key: join(folder, 'witness.key'),
  vkey: join(folder, 'witness.vkey'),
  logs: join(folder, 'logs'),
  seen: join(folder, 'seen'),
  lock: join(folder, 'lock'),
});

const logsHead = '# Logs this witness cosigns, a line each: log <verifier key>\n';

/** Makes a witness: a key of its own, under a name that is its for ever. @returns its verifier key */
export async function initWitness(folder: string, name: string): Promise<string> {
  const at = paths(folder);
  await mkdir(at.seen, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  const vkey = formatCosignerKey(name, rawPublicKey(ed25519Signer(privateKey).public_key_spki));
  try {
    // A key that is there is never replaced: whoever pinned it would see a stranger.
    await writeNew(at.key, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new Problem('conflict', { detail: `${folder} has a witness already`, hint: `govctl log witness run --state-dir ${folder}` });
  }
  await writeWholeDurably(at.vkey, `${vkey}\n`, 0o644);
  await writeWholeDurably(at.logs, logsHead, 0o644);
  return vkey;
}

export async function openWitness(folder: string): Promise<WitnessState> {
  const at = paths(folder);
  let vkey: string;
  let signer: Signer;
  try {
    vkey = (await readFile(at.vkey, 'utf8')).trim();
    signer = ed25519Signer(createPrivateKey(await readFile(at.key, 'utf8')));
  } catch (cause) {
    throw new Problem('not-found', {
      detail: `${folder} holds no witness${(cause as NodeJS.ErrnoException).code === 'ENOENT' ? '' : ` that can be read: ${(cause as Error).message}`}`,
      hint: `govctl log witness init --state-dir ${folder} --name witness.example/w1`,
      cause,
    });
  }
  const own = parseCosignerKey(vkey);
  if (Buffer.compare(own.public_key, rawPublicKey(signer.public_key_spki)) !== 0)
    throw new Problem('integrity', { detail: `${at.vkey} is not the key of ${at.key}`, hint: 'restore both from the same backup' });
  const seenFile = (origin: string) => join(at.seen, digestOf(origin).slice('sha256:'.length));
  return {
    name: own.name,
    vkey,
    signer,
    keysOf: async (origin) => (await readLogs(at.logs)).filter(({ name }) => name === origin),
    async lastOf(origin, keys) {
      const note = await readOptional(seenFile(origin));
      if (note === undefined) return null;
      const checkpoint = openCheckpoint(note, origin, keys);
      if (cosignaturesOf(checkpoint.text, checkpoint.others, [own]).length === 0)
        throw new Problem('integrity', { detail: `${seenFile(origin)} was not written by this witness`, hint: 'restore the state folder' });
      return checkpoint;
    },
    keep: (origin, note) => writeWholeDurably(seenFile(origin), note, 0o600),
  };
}

/** Adds a log by its verifier key; adding it again changes nothing. @returns its origin */
export async function addLog(folder: string, vkey: string): Promise<string> {
  const { name } = verifierKeyOf(vkey);
  const { logs } = paths(folder);
  const text = await readOptional(logs);
  if (text === undefined)
    throw new Problem('not-found', { detail: `${folder} holds no witness`, hint: 'govctl log witness init --state-dir D --name NAME' });
  if (!text.split('\n').includes(`log ${vkey}`)) await writeWholeDurably(logs, `${text}log ${vkey}\n`, 0o644);
  return name;
}

/** A key that somebody typed is a mistake, where it is none; in a file it would be damage. */
function verifierKeyOf(vkey: string) {
  try {
    return parseVerifierKey(vkey);
  } catch (cause) {
    throw new Problem('usage', {
      detail: `that is no verifier key of a log: ${(cause as Error).message}`,
      hint: 'govctl log witness add --state-dir D --vkey "$(jq -r .log.vkey trust.json)"',
      cause,
    });
  }
}

/** The logs of a witness, and what it cosigned last of each. */
export async function logsOf(folder: string, state: WitnessState) {
  const keys = await readLogs(paths(folder).logs);
  const origins = [...new Set(keys.map(({ name }) => name))];
  return await Promise.all(
    origins.map(async (origin) => {
      const known = await state.lastOf(origin, await state.keysOf(origin));
      return { origin, tree_size: known?.size ?? 0, root: known === null ? null : Buffer.from(known.root).toString('hex') };
    }),
  );
}

/** One process a folder: two would cosign behind each other's back. @returns what gives it back */
export async function lockWitness(folder: string): Promise<() => Promise<void>> {
  const { lock } = paths(folder);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      await writeNew(lock, `${process.pid}\n`, 0o600);
      return async () => await rm(lock, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      const holder = Number((await readOptional(lock)) ?? 'NaN');
      if (isAlive(holder))
        throw new Problem('locked', { detail: `another witness (process ${holder}) runs in ${folder}`, hint: 'stop it first' });
      // Its holder died: the file is taken away once, and whoever makes it next has it.
      await rm(lock, { force: true });
    }
  }
  throw new Problem('locked', { detail: `another witness just started in ${folder}`, hint: 'stop it first' });
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function readLogs(file: string): Promise<readonly NoteVerifier[]> {
  const text = (await readOptional(file)) ?? '';
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, vkey] = /^log (\S+)$/.exec(line) ?? [];
      if (vkey === undefined) throw new Problem('usage', { detail: `${file}: ${JSON.stringify(line)} is not: log <verifier key>` });
      return parseVerifierKey(vkey);
    });
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Whole or not at all, and still there after a power cut: the folder is flushed too. */
async function writeWholeDurably(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  await writeNew(temporary, text, mode);
  await rename(temporary, path);
  const folder = await open(join(path, '..'), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
