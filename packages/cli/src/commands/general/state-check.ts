import { access, constants, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isProblem } from '@govctl/core/api';
import { daemonProgram } from '../../client/daemon-program.ts';
import type { CommandContext } from '../../command.ts';
import type { Target } from '../../context/target.ts';
import { type Check, fail, failedBy, pass, warn } from './check.ts';

/** Where a packaged govd keeps its state. */
const packagedState = '/var/lib/govd';

/** The socket as the file system shows it, before anybody connects. */
export async function socketCheck(socket: string): Promise<Check | undefined> {
  const folder = dirname(socket);
  try {
    const [found, around] = await Promise.all([stat(socket), stat(folder)]);
    if (!found.isSocket()) return undefined;
    // Whoever may write the folder may put a socket of their own there, and hear every API key.
    if ((around.mode & 0o022) !== 0 && (around.mode & 0o1000) === 0)
      return fail('socket', `others may replace ${socket}: they may write ${folder} (mode ${octal(around.mode)})`, `chmod go-w ${folder}`);
    if (found.uid !== around.uid && found.uid !== 0)
      return fail(
        'socket',
        `${socket} belongs to uid ${found.uid}, its folder to uid ${around.uid}: whoever listens there is not the owner of the state`,
        `ls -ln ${socket}; when it is not your govd: rm ${socket}, then start govd`,
      );
    if ((found.mode & 0o002) !== 0)
      return fail('socket', `anybody may connect to ${socket} (mode ${octal(found.mode)})`, `chmod o-rwx ${socket}`);
    return pass('socket', `${socket}, uid ${found.uid}, mode ${octal(found.mode)}`);
  } catch {
    // What is missing or closed is told by whoever tries to connect.
    return undefined;
  }
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

/** The state folder behind a target: named, or where the socket lies, or where a packaged govd has it. */
export async function stateFolderOf(target: Target | undefined, given: string | undefined): Promise<string | undefined> {
  if (given !== undefined) return given;
  if (target === undefined || !('socket' in target.endpoint)) return undefined;
  const beside = dirname(target.endpoint.socket);
  if (await exists(join(beside, 'govd.yaml'))) return beside;
  return target.endpoint.socket.startsWith('/run/') && (await exists(packagedState)) ? packagedState : undefined;
}

/** What a daemon that is down cannot say: its own program looks at its folder instead. */
export async function stateChecks(context: CommandContext, folder: string | undefined, program: string | undefined): Promise<Check[]> {
  if (folder === undefined)
    return [
      warn(
        'state',
        'where the state of govd lies is not known here, so it was not looked at',
        'govctl doctor --state-dir D, on the host of govd',
      ),
    ];
  const readable = await access(folder, constants.R_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!readable && (await exists(folder)))
    return [warn('state', `this user may not read ${folder}, so it was not looked at`, `sudo -u govd govd doctor --state-dir ${folder}`)];
  try {
    const govd = await daemonProgram(context, program);
    const checks = await govd.examine(folder);
    return checks.map((check) => ({ ...check, name: `state/${check.name}` }));
  } catch (error) {
    if (isProblem(error) && error.code === 'usage') return [warn('state', `${error.message}`, `govd doctor --state-dir ${folder}`)];
    return [failedBy('state', error)];
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
