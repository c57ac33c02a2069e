import { readFile, stat } from 'node:fs/promises';
import { isProblem } from '@govctl/core/api';
import { parityContract } from '@govctl/core/environment';
import { loadTrust } from '@govctl/core/evidence';
import type { CommandContext } from '../../command.ts';
import { isPrivate, readConfigFile } from '../../context/config-file.ts';
import { type Target, targetOf } from '../../context/target.ts';
import { programVersion } from '../../program-version.ts';
import { type Check, fail, failedBy, pass, warn } from './check.ts';
import { socketCheck } from './state-check.ts';

/** What can be seen without a daemon. `target` is absent where the configuration does not even say which one. */
export async function localChecks({
  globals,
  env,
  cwd,
}: CommandContext): Promise<{ readonly checks: Check[]; readonly target: Target | undefined }> {
  const checks: Check[] = [];
  let target: Target;
  try {
    const file = await readConfigFile(globals.config, env, cwd);
    if (!file.exists) checks.push(pass('configuration', `none at ${file.path}; flags, environment and the default socket count`));
    else if (await isPrivate(file.path)) checks.push(pass('configuration', file.path));
    else checks.push(warn('configuration', `others may read ${file.path}`, `chmod 600 ${file.path}`));
    target = targetOf(file, globals, env, cwd);
  } catch (error) {
    return { checks: [...checks, failedBy('configuration', error)], target: undefined };
  }
  const where = 'socket' in target.endpoint ? target.endpoint.socket : target.endpoint.url;
  const which = `${target.context === null ? '' : `${target.context}: `}${where}, decided by ${target.decided_by}`;
  checks.push(
    target.overrides.length === 0
      ? pass('context', which)
      : warn('context', `${which}; it overrides ${target.overrides.join(', ')}`, 'govctl context show'),
  );
  const socket = 'socket' in target.endpoint ? await socketCheck(target.endpoint.socket) : undefined;
  if (socket !== undefined) checks.push(socket);
  checks.push(await keyCheck(target.api_key_file), await trustCheck(target.trust_file, target.context));
  return { checks, target };
}

async function keyCheck(path: string | null): Promise<Check> {
  if (path === null)
    return warn('api-key', 'no API key is configured', 'export GOVCTL_API_KEY_FILE=FILE, or name api_key_file in the context');
  try {
    const [text, found] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    if (!/^govk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}\s*$/.test(text))
      return fail('api-key', `${path} does not hold an API key`, 'govctl context show');
    return (found.mode & 0o077) === 0 ? pass('api-key', path) : warn('api-key', `others may read ${path}`, `chmod 600 ${path}`);
  } catch (error) {
    return fail('api-key', `${path} cannot be read: ${(error as Error).message}`, `ls -l ${path}`);
  }
}

async function trustCheck(path: string | null, context: string | null): Promise<Check> {
  const add = `govctl context add ${context ?? 'NAME'} --replace --trust-file trust.json`;
  if (path === null) return warn('trust', 'no trust root is pinned: evidence cannot be verified', add);
  try {
    const trust = loadTrust(JSON.parse(await readFile(path, 'utf8')));
    return pass('trust', `${trust.keys.length} keys of ${trust.origin}`);
  } catch (error) {
    return fail('trust', `${path}: ${(error as Error).message}`, add);
  }
}

/** What mends a failed readiness check, by its name. */
const readinessMends: Readonly<Record<string, string>> = {
  schema: 'govd migrate --state-dir D, with govd stopped',
  'evidence-log': 'put the newer database back, or declare the restore with govd stopped: govd log adopt --state-dir D --reason TEXT',
  witnesses:
    'look at the witness that is named: govctl log witness run --state-dir D, on its machine; log.witnesses in govd.yaml has its url',
  journal: 'mend the disk of the state folder; if this stays, restart govd',
  disk: 'free space on the disk of the state folder',
};

/** What the daemon says of itself. */
export async function daemonChecks({ client, now }: CommandContext): Promise<Check[]> {
  const checks: Check[] = [];
  try {
    const daemon = await client.call('system.version');
    checks.push(pass('daemon', `govd ${daemon.version}, API ${daemon.api.min}-${daemon.api.max}, ${daemon.environment}`));
    checks.push(
      daemon.parity_contract === parityContract()
        ? pass('parity', daemon.parity_contract)
        : warn(
            'parity',
            `govd ${daemon.version} and govctl ${programVersion} have other parity contracts: a local dry run may differ`,
            'use govctl and govd of one release; --dry-run=server meanwhile',
          ),
    );
  } catch (error) {
    return [failedBy('daemon', error)];
  }
  try {
    const { checks: readiness } = await client.call('system.ready');
    checks.push(
      ...readiness.map(({ name, ok, detail }) =>
        ok ? pass(`ready/${name}`, detail) : fail(`ready/${name}`, detail, readinessMends[name] ?? 'govctl status'),
      ),
    );
  } catch (error) {
    checks.push(failedBy('ready', error));
  }
  checks.push(await clockCheck(client, now));
  try {
    await client.call('promotion.ls', { query: { limit: 1 } });
    checks.push(pass('authentication', 'govd takes the API key'));
  } catch (error) {
    // Known, but not permitted to list promotions: authentication worked.
    const known = isProblem(error) && error.code === 'forbidden';
    checks.push(known ? pass('authentication', 'govd takes the API key; it may not list promotions') : failedBy('authentication', error));
  }
  checks.push(await handoffCheck(client));
  try {
    const { checks: found } = await client.call('doctor.examine');
    checks.push(...found.map((check) => ({ ...check, name: `state/${check.name}` })));
  } catch (error) {
    // Somebody who may not ask is not ill; an older govd has no such route.
    const unasked = isProblem(error) && ['forbidden', 'unauthenticated', 'not-found'].includes(error.code);
    checks.push(unasked ? pass('state', `not asked: ${error.message}`) : failedBy('state', error));
  }
  return checks;
}

/** Births that may be missing are the worst that can be wrong here, and nothing else in this list would show it. */
async function handoffCheck(client: CommandContext['client']): Promise<Check> {
  try {
    const { coverage, reason, fix = 'govctl handoff status' } = await client.call('handoff.status');
    if (coverage === 'ok') return pass('handoff', reason);
    return coverage === 'behind' ? warn('handoff', `behind: ${reason}`, fix) : fail('handoff', `${coverage}: ${reason}`, fix);
  } catch (error) {
    const unasked = isProblem(error) && ['forbidden', 'unauthenticated'].includes(error.code);
    return unasked ? pass('handoff', `not asked: ${error.message}`) : failedBy('handoff', error);
  }
}

const skewLimitSeconds = 5;

async function clockCheck(client: CommandContext['client'], now: () => Date): Promise<Check> {
  let headers: Readonly<Record<string, string>>;
  try {
    ({ headers } = await client.download('system.health'));
  } catch (error) {
    return failedBy('clock', error);
  }
  const theirs = Date.parse(headers.date ?? '');
  if (Number.isNaN(theirs)) return warn('clock', 'govd does not say what time it has', 'timedatectl');
  const seconds = Math.round((now().getTime() - theirs) / 1000);
  return Math.abs(seconds) <= skewLimitSeconds
    ? pass('clock', `${seconds} s apart`)
    : warn('clock', `the clocks are ${seconds} s apart`, 'timedatectl');
}
