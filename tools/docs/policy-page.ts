import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { gateList } from '../../packages/core/src/decision/gate-list.ts';
import { contractFileSchema } from '../../packages/core/src/policy/contract.ts';
import { packSchema } from '../../packages/core/src/policy/pack.ts';
import { type Shape, variableShapes } from '../../packages/core/src/policy/variable.ts';
import { fieldTable } from './schema-table.ts';

const fixtures = join(import.meta.dirname, '..', '..', 'fixtures');

function tableOf(schema: z.ZodType): string {
  return fieldTable(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>);
}

const contractExample = `apiVersion: govctl/v1
kind: Contract
contract_id: orders
dataset_id: orders
promotion_types: [raw_to_gdp, gdp_to_kpi]
policy_packs: [gdp-default]
required_checks: [not_null_orders_id, unique_orders_id]
min_quality_score: 0.95
max_evidence_age: 24h
requires_coverage: false
pending_audit: { owner: data-platform, sla: 24h }
`;

/** What a contract can say, and how it comes to hold. */
export function contractPage(): string {
  return [
    '# Contracts\n\nA contract says what a dataset owes before it is promoted. Without one nothing is: every gate that reads it denies.\n\n',
    `\`\`\`yaml\n${contractExample}\`\`\`\n\n`,
    '`govctl contract apply -f contract.yaml` pins the packs to the digests that are active, spells out every default and keeps the result as the next version, with a record of it in the evidence log. The same content again is no change. Versions are never changed; `govctl contract diff orders` shows what the newest one changed.\n\n',
    'The file is closed: an unknown field is an error, and every error is told at once, with its line. What this version cannot meet is refused by name: approvals, `bundle_to_active`, `defer.then: escalate`, more signers than keys are enrolled, a pack that is not active, a second contract for a dataset.\n\n',
    `## Fields\n\n${tableOf(contractFileSchema)}\n`,
    '## How it is judged\n\n| gate | asks | if not |\n|---|---|---|\n',
    ...gateList.map(({ code, asks, otherwise }) => `| \`${code}\` | ${asks.replaceAll('|', '\\|')} | ${otherwise} |\n`),
    '\n`govctl gate explain CODE` shows every answer of a gate with an example and the command that mends it.\n',
  ].join('');
}

function shapeText(shape: Shape): string {
  if (typeof shape === 'string') return shape;
  return Array.isArray(shape) ? `list of ${shapeText(shape[0] as Shape)}` : 'map';
}

function variableRows(shape: Shape, path: string): string[] {
  const inner = Array.isArray(shape) ? (shape[0] as Shape) : shape;
  const at = Array.isArray(shape) ? `${path}[]` : path;
  const fields = typeof inner === 'string' ? [] : Object.entries(inner as { readonly [field: string]: Shape });
  return [`| \`${path}\` | ${shapeText(shape)} |\n`, ...fields.flatMap(([field, of]) => variableRows(of, `${at}.${field}`))];
}

/** How rules are written, shown to say what they should, and put into force. */
export function policyPage(): string {
  const example = readFileSync(join(fixtures, 'policy', 'gdp-default.yaml'), 'utf8');
  return [
    '# Policies\n\nA policy pack is a YAML file of rules. A rule is a [CEL](https://cel.dev) expression over what the gates look at: it sees nothing else, has no clock and no network, and always ends. Contracts name packs, and pin them by the digest of the file, byte for byte.\n\n',
    '`govctl policy lint` finds everything that is wrong with the form, and every name and field that does not exist. `govctl policy test` runs the fixtures: each rule must pass what it must pass and fail what it must fail, and have both. Neither needs a daemon. `govctl policy activate` asks the same again, stores the pack and moves `policy_rev`, the digest of the active set; the change is recorded (`POLICY_REV_CHANGED`), told as `policy.rev.changed`, and every promotion that waits is judged again.\n\n',
    'A contract that pins another version of the pack keeps its pin: its promotions wait (`pack-not-active`) until it is applied again.\n\n',
    `## Example\n\n\`\`\`yaml\n${example}\`\`\`\n\n`,
    `## Fields\n\n${tableOf(packSchema)}\n`,
    '## Variables\n\nTimes are RFC 3339 text: `timestamp(now) - timestamp(snapshot.created_at) < duration("1h")`. What is not known is null.\n\n| variable | type |\n|---|---|\n',
    ...Object.entries(variableShapes).flatMap(([name, shape]) => variableRows(shape, name)),
  ].join('');
}
