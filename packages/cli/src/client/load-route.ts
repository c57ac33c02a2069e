import { Problem, type Route } from '@govctl/core/api';

type Declared = Readonly<Record<string, unknown>>;

/**
 * Where routes are declared, by the first word of their names, the likelier file first. A command calls one or two of more than a
 * hundred, and to build the schemas of all of them costs more than the whole exchange: so a call loads the file of its own.
 */
const files: Readonly<Record<string, readonly (() => Promise<Declared>)[]>> = {
  alert: [() => import('@govctl/core/api/route/alert')],
  apikey: [() => import('@govctl/core/api/route/identity')],
  audit: [() => import('@govctl/core/api/route/audit')],
  backup: [() => import('@govctl/core/api/route/backup')],
  birth: [() => import('@govctl/core/api/route/handoff'), () => import('@govctl/core/api/route/handoff-permit')],
  candidate: [() => import('@govctl/core/api/route/handoff')],
  contract: [() => import('@govctl/core/api/route/contract')],
  dataset: [() => import('@govctl/core/api/route/promotion')],
  decision: [() => import('@govctl/core/api/route/decision'), () => import('@govctl/core/api/route/gate')],
  disposition: [() => import('@govctl/core/api/route/disposition')],
  doctor: [() => import('@govctl/core/api/route/doctor')],
  event: [() => import('@govctl/core/api/route/event'), () => import('@govctl/core/api/route/event-lane')],
  evidence: [() => import('@govctl/core/api/route/evidence'), () => import('@govctl/core/api/route/access')],
  gate: [() => import('@govctl/core/api/route/gate')],
  governance: [() => import('@govctl/core/api/route/promotion')],
  handoff: [
    () => import('@govctl/core/api/route/handoff'),
    () => import('@govctl/core/api/route/handoff-operation'),
    () => import('@govctl/core/api/route/handoff-replay'),
    () => import('@govctl/core/api/route/handoff-type'),
  ],
  hold: [() => import('@govctl/core/api/route/audit')],
  incident: [() => import('@govctl/core/api/route/incident')],
  key: [() => import('@govctl/core/api/route/log')],
  lock: [() => import('@govctl/core/api/route/lock')],
  log: [() => import('@govctl/core/api/route/log')],
  object: [() => import('@govctl/core/api/route/snapshot')],
  ospa: [() => import('@govctl/core/api/route/handoff')],
  policy: [() => import('@govctl/core/api/route/policy')],
  preflight: [() => import('@govctl/core/api/route/preflight')],
  promotion: [
    () => import('@govctl/core/api/route/promotion'),
    () => import('@govctl/core/api/route/approval'),
    () => import('@govctl/core/api/route/pause'),
  ],
  quality: [() => import('@govctl/core/api/route/quality')],
  reconcile: [() => import('@govctl/core/api/route/audit')],
  run: [
    () => import('@govctl/core/api/route/job'),
    () => import('@govctl/core/api/route/run'),
    () => import('@govctl/core/api/route/pause'),
  ],
  snapshot: [() => import('@govctl/core/api/route/snapshot')],
  store: [() => import('@govctl/core/api/route/promotion')],
  subscription: [() => import('@govctl/core/api/route/promotion')],
  system: [() => import('@govctl/core/api/route/system')],
  tenant: [() => import('@govctl/core/api/route/tenant')],
  waiver: [() => import('@govctl/core/api/route/waiver')],
};

/** The declaration of a route by its name. */
export async function loadRoute(name: string): Promise<Route> {
  const word = name.split('.', 1)[0] ?? '';
  for (const load of (Object.hasOwn(files, word) ? files[word] : undefined) ?? [])
    for (const [exported, routes] of Object.entries(await load()))
      if (exported.endsWith('Routes') && Object.hasOwn(routes as object, name))
        return (routes as Readonly<Record<string, Route>>)[name] as Route;
  throw new Problem('internal', { detail: `there is no route ${name}` });
}
