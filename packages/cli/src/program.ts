import type { Entry } from './command.ts';
import { alertCommands } from './commands/alert/declaration.ts';
import { apikeyCommands } from './commands/apikey/declaration.ts';
import { auditCommands, reconcileCommand } from './commands/audit/declaration.ts';
import { backupCommands } from './commands/backup/declaration.ts';
import { birthCommands } from './commands/birth/declaration.ts';
import { candidateCommands } from './commands/candidate/declaration.ts';
import { configCommands } from './commands/config/declaration.ts';
import { contextCommands } from './commands/context/declaration.ts';
import { contractCommands } from './commands/contract/declaration.ts';
import { datasetCommands } from './commands/dataset/declaration.ts';
import { decisionCommands } from './commands/decision/declaration.ts';
import { eventCommands } from './commands/event/declaration.ts';
import { evidenceCommands } from './commands/evidence/declaration.ts';
import { gateCommands } from './commands/gate/declaration.ts';
import { generalCommands } from './commands/general/declaration.ts';
import { handoffCommands } from './commands/handoff/declaration.ts';
import { holdCommands } from './commands/hold/declaration.ts';
import { incidentCommands } from './commands/incident/declaration.ts';
import { lockCommands } from './commands/lock/declaration.ts';
import { logCommands } from './commands/log/declaration.ts';
import { ospaCommands } from './commands/ospa/declaration.ts';
import { policyCommands } from './commands/policy/declaration.ts';
import { preflightCommand } from './commands/preflight/declaration.ts';
import { promoteCommand, promotionCommands } from './commands/promotion/declaration.ts';
import { qualityCommands } from './commands/quality/declaration.ts';
import { runCommands } from './commands/run/declaration.ts';
import { selftestCommands } from './commands/selftest/declaration.ts';
import { snapshotCommands } from './commands/snapshot/declaration.ts';
import { tenantCommands } from './commands/tenant/declaration.ts';
import { waiverCommands } from './commands/waiver/declaration.ts';

/** Everything govctl can do, in the order help shows it: what people use most first. */
export const program: readonly Entry[] = [
  promoteCommand,
  reconcileCommand,
  ...promotionCommands,
  ...runCommands,
  ...evidenceCommands,
  ...decisionCommands,
  ...logCommands,
  ...snapshotCommands,
  ...qualityCommands,
  ...contractCommands,
  ...policyCommands,
  ...waiverCommands,
  ...gateCommands,
  ...datasetCommands,
  ...holdCommands,
  ...lockCommands,
  ...auditCommands,
  ...incidentCommands,
  ...alertCommands,
  ...handoffCommands,
  ...birthCommands,
  ...candidateCommands,
  preflightCommand,
  ...ospaCommands,
  ...tenantCommands,
  ...eventCommands,
  ...apikeyCommands,
  ...backupCommands,
  ...configCommands,
  ...contextCommands,
  ...selftestCommands,
  ...generalCommands,
];
