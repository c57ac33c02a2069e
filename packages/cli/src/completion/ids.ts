import { createLazyClient } from '../client/lazy-client.ts';
import { readConfigFile } from '../context/config-file.ts';
import { resolveTarget } from '../context/target.ts';
import type { Completes } from '../flag.ts';
import type { Surroundings } from '../run.ts';
import type { Candidate } from './answer.ts';

/** A person waits for TAB: what govd does not say by then is not offered. One that is not there at all answers at once. */
const budgetMs = 1000;

/** Ids the daemon or the configuration knows, newest first; none at all where it cannot be asked in time. */
export async function idsOf(kind: Completes, around: Surroundings): Promise<Candidate[]> {
  const { env, cwd } = around;
  // Loaded before the clock runs: a slow machine still gets its answers.
  if (around.client === undefined && kind !== 'context' && kind !== 'gate') await import('../client/http-client.ts');
  const signal = AbortSignal.any([around.signal, AbortSignal.timeout(budgetMs)]);
  const target = () => resolveTarget({ context: undefined, config: undefined, socket: undefined }, env, cwd);
  const client = around.client ?? createLazyClient(target, signal, budgetMs);
  try {
    switch (kind) {
      case 'context':
        return Object.entries((await readConfigFile(undefined, env, cwd)).config.contexts).map(([value, context]) => ({
          value,
          description: context.url ?? context.socket ?? '',
        }));
      case 'dataset':
        return (await client.call('dataset.ls', { query: {} })).items.map((item) => ({
          value: item.dataset_id,
          description: item.tenant_id,
        }));
      case 'run':
        return (await client.call('promotion.ls', { query: { limit: 100 } })).items.map((item) => ({
          value: item.run_id,
          description: `${item.dataset_id} ${item.phase}`,
        }));
      case 'snapshot':
        return (await client.call('snapshot.ls', { query: { limit: 100 } })).items.map((item) => ({
          value: item.snapshot_id,
          description: `${item.dataset_id} ${item.layer}`,
        }));
      case 'contract':
        return (await client.call('contract.ls', { query: {} })).items.map((item) => ({
          value: item.contract_id,
          description: item.dataset_id,
        }));
      case 'gate':
        return (await import('@govctl/core/decision')).gateList.map(({ code, asks }) => ({ value: code, description: asks }));
      default:
        return [];
    }
  } catch {
    // Silent on purpose: an error message would land in the middle of the command line.
    return [];
  } finally {
    await client.close();
  }
}
