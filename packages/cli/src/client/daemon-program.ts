import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type DoctorFinding, examinationDocument, logVerificationDocument, Problem } from '@govctl/core/api';
import type { CommandContext } from '../command.ts';

type LogVerification = ReturnType<typeof logVerificationDocument.parse>;

/** The govd of this machine: only it opens databases. */
export type DaemonProgram = {
  readonly path: string;
  /** Brings the databases of a folder to its schema. @throws Problem `unprocessable` when they are not for it */
  migrate(folder: string): Promise<void>;
  /** Looks at a state folder. @throws Problem `unprocessable` when it cannot */
  examine(folder: string): Promise<readonly DoctorFinding[]>;
  verifyLog(folder: string, onLeaves: (done: number, total: number) => void): Promise<LogVerification>;
};

/** @throws Problem `usage` when there is none */
export async function daemonProgram({ env, cwd, signal }: CommandContext, given: string | undefined): Promise<DaemonProgram> {
  const path = await found(given === undefined ? undefined : resolve(cwd, given), env.PATH ?? '');
  const run = (argv: readonly string[], onLine: (line: string) => void = () => undefined) =>
    new Promise<{ readonly code: number; readonly out: string; readonly said: readonly string[] }>((done, reject) => {
      const child = spawn(path, argv, { stdio: ['ignore', 'pipe', 'pipe'], signal, env: { ...env } });
      const out: Buffer[] = [];
      const said: string[] = [];
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      createInterface({ input: child.stderr }).on('line', (line) => {
        if (said.length < 100) said.push(line);
        onLine(line);
      });
      child.once('error', (cause) =>
        reject(
          signal.aborted
            ? new Problem('cancelled', { detail: 'interrupted', cause })
            : new Problem('usage', {
                detail: `${path} cannot be run: ${cause.message}`,
                hint: 'name the govd of this machine with --govd',
                cause,
              }),
        ),
      );
      child.once('close', (code) => done({ code: code ?? -1, out: Buffer.concat(out).toString('utf8'), said }));
    });

  return {
    path,
    async migrate(folder) {
      const { code, said } = await run(['migrate', '--state-dir', folder]);
      if (code !== 0) throw refused(said);
    },
    async examine(folder) {
      const { out, said } = await run(['doctor', '--state-dir', folder, '--json']);
      const result = examinationDocument.safeParse(attempt(out));
      if (!result.success) throw refused(said);
      return result.data.checks;
    },
    async verifyLog(folder, onLeaves) {
      const { out, said } = await run(['log', 'verify', '--state-dir', folder, '--json'], (line) => {
        const at = /: (\d+) of (\d+) leaves$/.exec(line);
        if (at !== null) onLeaves(Number(at[1]), Number(at[2]));
      });
      const result = logVerificationDocument.safeParse(attempt(out));
      if (!result.success) throw refused(said);
      return result.data;
    },
  };
}

async function found(given: string | undefined, path: string): Promise<string> {
  const beside = await realpath(process.argv[1] ?? '').then(
    (self) => [join(dirname(self), 'govd')],
    () => [],
  );
  const candidates = given === undefined ? [...beside, ...path.split(delimiter).map((folder) => join(folder, 'govd'))] : [given];
  for (const candidate of candidates) {
    const runs = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return candidate;
  }
  throw new Problem('usage', {
    detail: given === undefined ? 'there is no govd beside govctl or on the PATH, and only it opens databases' : `${given} cannot be run`,
    hint: 'install govd, or name it with --govd PROGRAM',
  });
}

/** What govd said, in one sentence, without the names it gives its own errors. */
function refused(said: readonly string[]): Problem {
  const line = (start: RegExp) => said.find((one) => start.test(one))?.replace(start, '');
  return new Problem('unprocessable', {
    detail: `govd cannot use it: ${line(/^error\[[a-z-]+\]: /) ?? said.at(-1) ?? 'it said nothing'}`,
    hint: line(/^fix: /) ?? 'use the govd of the release that made it, or a later one',
  });
}

function attempt(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
